// MONITOR: starts the one stream a session may have; in the vendor profile it replaces the running one [OS-3.3, OS-4].
import { PROFILE_CODES } from '../../../protocol/profiles.ts';
import type { Monitor } from '../../commands/command.ts';
import { monitorAck } from '../../events/encode.ts';
import type { SessionContext } from '../context.ts';
import { MonitorActivity } from '../monitor-activity.ts';
import { NO_ROUTE_HINT } from './control.ts';

export function monitor(session: SessionContext, command: Monitor): boolean {
  const { services, outlet, counts, credential } = session;
  const { id, path } = command;
  const route = services.access.route('GET', path, credential);
  if (!route.allowed)
    return session.refuse('invalid_url', 'payload.url is not a route this session may monitor', {
      id,
      hint: NO_ROUTE_HINT,
    });
  const active = PROFILE_CODES.monitorActive[services.profile];
  if (session.monitor && active)
    return session.refuse(active, `a MONITOR of ${session.monitor.periodMs} ms is active in this session`, { id });
  if (services.draining())
    return session.refuse('monitor_internal_error', 'the gateway is stopping; no MONITOR was started', {
      id,
      hint: 'connect again in a moment',
      more: [['failures', '1']],
    });
  session.stopMonitor();
  const periodMs = Math.max(command.periodMs, route.minPeriodMs);
  const told = command.clamped || periodMs !== command.periodMs ? periodMs : undefined;
  outlet.answer(monitorAck(id, told));
  const activity = new MonitorActivity({
    path,
    periodMs,
    notBefore: session.monitorNotBefore,
    id,
    outlet,
    clock: services.clock,
    counts,
    failed: (message) => session.failed('monitor_internal_error', message),
  });
  session.monitor = activity;
  activity.start((member) => services.polls.join({ path, periodMs, credential }, member));
  session.watch();
  return true;
}
