// Claim: the way there and back of one CONTROL is short: a client that waits for each answer does ten thousand a second.
import { controlCase } from '../support/control-case.ts';

export const control1 = controlCase(1, '1 session, one acknowledged CONTROL outstanding.', {
  reach: 10_000,
  reference: { undici: 8_000, naive: 1_600 },
});
