// Claim: with 64 sessions the gateway relays more CONTROLs a second than a bare undici loop does.
import { controlCase } from '../support/control-case.ts';

export const control64 = controlCase(64, '64 sessions, one acknowledged CONTROL outstanding each.', {
  reach: 25_000,
  reference: { undici: 20_700, naive: 2_000 },
});
