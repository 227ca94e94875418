// What the configuration names and has to be read: tokens, rules, catalogs, address lists, certificates; all faults at once.
import { AddressList } from './access/address.ts';
import { Credentials } from './access/credentials.ts';
import { RouteRules } from './access/route-rules.ts';
import { loadRouteRules } from './access/route-rules-file.ts';
import { loadCatalogs } from './catalogs/load.ts';
import type { Config } from './config.ts';
import { loadAuthorities, loadTlsMaterial, type TlsPaths } from './transport/tls-material.ts';

/** A setting that was well-formed but whose file or value does not work: every fault of it. */
export class StartError extends Error {
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(faults.join('; '));
    this.faults = faults;
  }
}

/** Throws `StartError` when anything of it is wrong. */
export function loadMaterials(config: Config) {
  const faults: string[] = [];
  const blame = (name: string, found: readonly string[]): void => {
    for (const fault of found) faults.push(`${name}: ${fault}`);
  };
  const parsed = Credentials.parse(config.authTokens);
  blame('AUTH_TOKENS', parsed.faults);
  const credentials = parsed.credentials ?? Credentials.NONE;
  const rules = config.routeRules === undefined ? undefined : loadRouteRules(config.routeRules, credentials.names);
  blame('ROUTE_RULES', rules?.faults ?? []);
  const catalogs = loadCatalogs(config.errorCatalogs);
  blame('ERROR_CATALOGS', catalogs.faults);
  const allow = AddressList.parse(config.limitsAllow);
  blame('LIMITS_ALLOW', allow.faults);
  const proxies = AddressList.parse(config.trustedProxies);
  blame('TRUSTED_PROXIES', proxies.faults);
  const tlsPaths = tlsPathsOf(config);
  const tls = tlsPaths && loadTlsMaterial(tlsPaths);
  faults.push(...(tls?.faults ?? []));
  const authorities = config.backendCa === undefined ? undefined : loadAuthorities('BACKEND_CA', config.backendCa);
  faults.push(...(authorities?.faults ?? []));
  if (faults.length > 0) throw new StartError(faults);
  return {
    credentials,
    rules: rules?.rules ?? RouteRules.EVERYTHING,
    explain: catalogs.explainer,
    allow: allow.list ?? AddressList.EMPTY,
    proxies: proxies.list ?? AddressList.EMPTY,
    tls: tls?.material,
    tlsPaths,
    warnings: tls?.warnings ?? [],
    backendCa: authorities?.ca,
  };
}

const tlsPathsOf = ({ tlsCert, tlsKey, tlsClientCa }: Config): TlsPaths | undefined =>
  tlsCert === undefined || tlsKey === undefined
    ? undefined
    : { cert: tlsCert, key: tlsKey, ...(tlsClientCa === undefined ? {} : { clientCa: tlsClientCa }) };
