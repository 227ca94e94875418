// A command that is not admitted: the documented code and the sentence that names what was wrong and where.
import type { ErrorCode } from '../../protocol/errors.ts';

export interface Refusal {
  readonly code: ErrorCode;
  readonly message: string;
  /** Overrides the code's own hint. */
  readonly hint?: string;
  /** The command's `id` as it was written, where one can be told [OS-6.1]. */
  readonly id?: string;
}
