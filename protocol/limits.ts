// Limits that are part of the protocol itself; those an operator may set are in the configuration.

/** A url is at most this long, in bytes of UTF-8, before anything else about it is checked [OS-2.7]. */
export const URL_MAX_BYTES = 2048;

/** Range of `period_ms`, both ends included [OS-2.1]. */
export const PERIOD_MIN_MS = 2;
export const PERIOD_MAX_MS = 30_000;

/** A string `id` has at most this many Unicode code points [OS-6.1]. */
export const ID_MAX_CODE_POINTS = 64;

/** A failing monitor reports at most once in this time, and tries again at least this often [OS-3.3]. */
export const FAILURE_REPORT_INTERVAL_MS = 1000;
export const RETRY_MAX_INTERVAL_MS = 1000;

/** A Retry-After of the backend is kept up to this long: a hostile or broken backend must not silence a monitor for years [OS-3.3]. */
export const RETRY_AFTER_MAX_MS = 86_400_000;
