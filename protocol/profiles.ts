// The two readings of the protocol's public descriptions, as one table: which case is answered how in each profile.

export const PROFILES = ['strict', 'vendor'] as const;
export type Profile = (typeof PROFILES)[number];

/**
 * Error codes that differ between the profiles [OS-4]. `null` means that the profile does not answer the case with an error at all.
 * Where no row stands, both agree.
 */
export const PROFILE_CODES = {
  majorMissing: { strict: 'missing_field', vendor: 'missing_major' },
  urlMissing: { strict: 'missing_field', vendor: 'missing_url' },
  methodMissing: { strict: 'missing_field', vendor: 'missing_method' },
  periodMissing: { strict: 'missing_field', vendor: 'missing_period_ms' },
  targetMissing: { strict: 'missing_field', vendor: 'missing_target' },
  majorType: { strict: 'invalid_type', vendor: 'invalid_major_type' },
  majorNegative: { strict: 'invalid_value', vendor: 'invalid_version' },
  urlType: { strict: 'invalid_type', vendor: 'invalid_url' },
  urlTooLong: { strict: 'invalid_url', vendor: 'url_too_long' },
  methodType: { strict: 'invalid_type', vendor: 'invalid_method' },
  controlMethod: { strict: 'method_not_allowed', vendor: 'invalid_method' },
  periodType: { strict: 'invalid_type', vendor: 'invalid_period' },
  periodRange: { strict: 'invalid_period', vendor: null },
  argsType: { strict: 'invalid_type', vendor: 'invalid_args' },
  monitorActive: { strict: 'monitor_already_active', vendor: null },
  targetType: { strict: 'invalid_type', vendor: 'invalid_target' },
  nothingToStop: { strict: 'nothing_to_stop', vendor: null },
} as const satisfies Record<string, Record<Profile, string | null>>;

export type ProfileCase = keyof typeof PROFILE_CODES;
