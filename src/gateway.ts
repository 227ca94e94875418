// Puts the rooms of one process together: config → backend, polls, access → server; and takes them apart again.
import { type Admission, Admissions } from './access/admissions.ts';
import { FailedAttempts } from './access/attempts.ts';
import { ControlLease } from './access/control-lease.ts';
import { Gatekeeper } from './access/gatekeeper.ts';
import { RateLimit } from './access/rate-limit.ts';
import { startAdmin } from './admin/admin-server.ts';
import { createHttpBackend } from './backend/http-backend.ts';
import { realClock } from './clock.ts';
import type { Config } from './config.ts';
import { clip, type Logger } from './log.ts';
import { loadMaterials } from './materials.ts';
import { BackendHealth } from './observation/backend-health.ts';
import { guarded } from './observation/guard.ts';
import { LocalSources } from './observation/local-sources.ts';
import { ObservedBackend } from './observation/observed-backend.ts';
import {
  logBackendChange,
  logSessionBegin,
  logSessionEnd,
  pollObserver,
  sessionObserver,
} from './observation/observers.ts';
import type { Sources } from './observation/snapshot.ts';
import { Telemetry } from './observation/telemetry.ts';
import { PollHub } from './polling/poll-hub.ts';
import type { SessionServices } from './session/ports.ts';
import type { Session } from './session/session.ts';
import { startSimulator } from './simulator/simulator.ts';
import type { Listen } from './transport/listen.ts';
import { PeerHealth } from './transport/peer-health.ts';
import { Preparation } from './transport/preparation.ts';
import { Server } from './transport/server.ts';
import { acceptsConnections } from './transport/tcp-probe.ts';
import { watchTlsMaterial } from './transport/tls-material.ts';

export interface Gateway {
  /** The port it listens on; the chosen one when PORT is 0. */
  readonly port: number;
  /** Live sessions. */
  readonly sessions: number;
  readonly telemetry: Telemetry;
  /** The admin port; 0 when there is none. */
  readonly adminPort: number;
  /** What the admin port shows of this process, for whoever shows several as one. */
  readonly sources: Sources;
  /** Graceful shutdown [OS-3.8]: resolves when every session has ended, after DRAIN_TIMEOUT_MS at the latest. */
  drain(): Promise<void>;
  /** Reads the files of TLS_CERT, TLS_KEY and TLS_CLIENT_CA again; broken ones are refused and the old ones stay in use. */
  reload(): void;
  /** Ends everything now. */
  close(): Promise<void>;
}

export interface GatewayOptions {
  /** Where to listen instead of HOST and PORT. */
  readonly listen?: Listen;
  /** Session limits that are held across several processes, instead of this process's own. */
  readonly admit?: (address: string) => Admission | Promise<Admission>;
}

/** Starts one process's gateway. Rejects with `StartError` (materials.ts) when a file that the configuration names is wrong; nothing is half started. */
export async function startGateway(config: Config, log: Logger, options: GatewayOptions = {}): Promise<Gateway> {
  const { credentials, rules, explain, allow, proxies, tls, tlsPaths, warnings, backendCa } = loadMaterials(config);
  for (const warning of warnings) log.warn(warning);
  const telemetry = new Telemetry();
  const guard = guarded(log);
  const clock = realClock;
  const now = clock.now;

  const simulator = config.backendUrl === undefined ? await startSimulator() : undefined;
  const backendUrl = config.backendUrl ?? simulator!.url;
  const health = new BackendHealth({
    probe: (timeoutMs) => acceptsConnections(backendUrl, timeoutMs),
    changed: (reachable) => logBackendChange(guard, reachable),
  });
  const backend = new ObservedBackend(
    createHttpBackend({
      url: backendUrl,
      timeoutMs: config.backendTimeoutMs,
      connections: config.backendConnections,
      maxResultBytes: config.maxResultBytes,
      headers: config.backendHeaders,
      crashed: (error) => guard('error', 'crash', { error }, 'a session ended by a fault of the gateway'),
      ...(backendCa === undefined ? {} : { ca: backendCa }),
    }),
    (answer) => health.answered(answer),
  );
  let draining = false;

  const polls = new PollHub({
    backend,
    clock,
    explain,
    sharing: config.monitorSharing,
    maxInFlight: config.monitorMaxInFlight,
    connections: config.backendConnections,
    observe: (subject) => pollObserver(guard, telemetry, subject),
  });
  const attempts = new FailedAttempts({ now });
  /** Sessions whose connection is gone while a CONTROL of theirs is in flight, by their numbers: a drain waits for these, too. */
  const bereft = new Map<number, Session>();
  const observer = sessionObserver(log, guard, telemetry);
  const services: SessionServices = {
    profile: config.profile,
    limits: config,
    clock,
    backend,
    polls,
    explain,
    access: new Gatekeeper({
      credentials,
      rules,
      now,
      attempts,
      lease: config.controlExclusive ? new ControlLease({ idleMs: config.controlExclusiveIdleMs }) : undefined,
      rejected: (address, delayMs) => {
        telemetry.authenticationFailures++;
        guard('warn', `credentials ${address}`, { address, delayMs }, 'HANDSHAKE with wrong or missing credentials');
      },
    }),
    observer: {
      ...observer,
      controlled: (session, what) => {
        bereft.delete(session.id);
        observer.controlled(session, what);
      },
    },
    draining: () => draining,
  };

  const admissions = new Admissions(config, allow, now);
  const commandRate = new RateLimit({ perSecond: config.maxCommandsPerSecondPerIp, now, allow });
  const trace = log.isLevelEnabled('trace')
    ? (session: number, direction: 'in' | 'out', line: string | Buffer): void =>
        log.trace({ session, [direction]: clip(line) }, 'line')
    : undefined;

  const preparation = tls || !proxies.isEmpty ? new Preparation({ trustedProxies: proxies, tls }) : undefined;
  const tlsWatch =
    tls && tlsPaths && preparation
      ? watchTlsMaterial({ paths: tlsPaths, initial: tls, onChange: (material) => preparation.useTls(material), log })
      : undefined;

  const server = new Server({
    listen: options.listen ?? { host: config.host, port: config.port },
    services,
    txBufferBytes: config.txBufferBytes,
    lingerMs: config.armedTimeoutMs,
    prepare: preparation && ((socket, address) => preparation.prepare(socket, address)),
    admit: options.admit ?? ((address) => admissions.admit(address)),
    throttle: (address) => {
      const key = commandRate.keyOf(address);
      if (key === undefined && !credentials.required) return undefined;
      return (greeted) => (greeted ? 0 : attempts.waitMs(address)) || commandRate.take(key);
    },
    trace,
    observer: {
      opened: ({ session }) => {
        telemetry.sessionsOpened++;
        logSessionBegin(log, session);
      },
      closed: (connection) => {
        const { session } = connection;
        if (session.control.active) bereft.set(session.id, session);
        const reason = session.closeReason ?? 'connection_lost';
        sources.ended(connection, reason);
        logSessionEnd(log, session, reason);
      },
      refused: (address, reason, told) => {
        telemetry.closes[reason as 'full']++;
        if (told) telemetry.errors.handshake_rejected++;
        guard('warn', `refused ${reason} ${address}`, { address, reason }, 'connection refused');
      },
      unprepared: (address, { reason, message }) => {
        telemetry.closes[reason]++;
        guard('warn', `unprepared ${reason}`, { address, reason, detail: message }, 'connection refused');
      },
      crashed: (error) => guard('error', 'crash', { error }, 'a session ended by a fault of the gateway'),
      acceptFailed: (error) => guard('error', 'accept', { error }, 'cannot accept connections'),
    },
  });

  const peers = new PeerHealth({
    armedTimeoutMs: config.armedTimeoutMs,
    connections: () => server.connections,
    armed: ({ session }) => session.monitor !== undefined,
    advanced: (connection) => connection.advanced(),
    dead: (connection, raw) => {
      // A reset, so that the kernel lets go of the bytes at once; ended in order, it would offer them for minutes more.
      raw.resetAndDestroy();
      connection.abandon();
    },
    log,
  });

  const sources = new LocalSources({
    telemetry,
    connections: () => server.connections,
    listening: () => server.listening,
    draining: () => draining,
    backend: () => health.state(),
    calls: backend.underWay,
    pollsRunning: () => polls.size,
  });
  let admin: Awaited<ReturnType<typeof startAdmin>> | undefined;

  const close = async (): Promise<void> => {
    tlsWatch?.close();
    peers.stop();
    server.stopListening();
    server.destroy();
    await backend.close();
    await simulator?.close();
    sources.close();
    await admin?.close();
  };

  try {
    // First, so that nobody is served by a gateway that then fails to start.
    if (config.adminPort !== 0)
      admin = await startAdmin({
        host: config.adminHost,
        port: config.adminPort,
        sources,
        failed: (error) => guard('error', 'admin', { error }, 'the admin port failed'),
      });
    await server.listen();
  } catch (error) {
    await close();
    throw error;
  }
  peers.start();
  if (admin) log.info({ adminHost: config.adminHost, adminPort: admin.port }, 'admin port open');

  return {
    get port() {
      return server.port;
    },
    get sessions() {
      return server.connections.size;
    },
    telemetry,
    adminPort: admin?.port ?? 0,
    sources,
    drain: async () => {
      draining = true;
      server.stopListening();
      const connections = [...server.connections.keys()];
      // What is in flight has to be answered before the time is up, or nobody is told anything.
      const graceMs = Math.min(config.stopGraceMs, config.drainTimeoutMs * DRAIN_SHARE);
      for (const { session } of connections) if (session.state !== 'CONNECTED') session.drain(graceMs);
      for (const session of bereft.values()) session.drain(graceMs);
      const deadline = now() + config.drainTimeoutMs * DRAIN_UNTIL;
      const ready = () => [...server.connections.keys()].some(({ session }) => session.state !== 'CONNECTED');
      // Who has not shaken hands yet may still be told that it is too late, for as long as others finish.
      await until(() => !ready(), deadline);
      for (const { session } of server.connections.keys()) session.drain(graceMs);
      await until(
        () => server.connections.size === 0 && server.unsettled === 0 && backend.underWay.control === 0,
        deadline,
      );
      await close();
    },
    reload: () => {
      tlsWatch?.reload();
    },
    close,
  };
}

/** How much of DRAIN_TIMEOUT_MS the CONTROL in flight may take at most; the rest is for the last lines. */
const DRAIN_SHARE = 0.8;
/** When who still holds on is cut off, as a share of DRAIN_TIMEOUT_MS; by its end the process has to be gone [OS-3.8]. */
const DRAIN_UNTIL = 0.95;
const LOOK_EVERY_MS = 5;

/** Waits for a condition that several callbacks bring about, for as long as a drain may take. */
async function until(condition: () => boolean, deadline: number): Promise<void> {
  while (!condition() && performance.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
}
