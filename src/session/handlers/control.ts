// CONTROL: takes its place in the session's order, or is refused before anything was sent [OS-3.4].
import type { Control } from '../../commands/command.ts';
import type { SessionContext } from '../context.ts';

/** Says that rules exist, never what they are. */
export const NO_ROUTE_HINT = 'the route rules of this gateway do not allow it; ask its operator';

export function control(session: SessionContext, command: Control): boolean {
  const { access, draining } = session.services;
  const { id, relay } = command;
  if (!access.route(relay.method, relay.path, session.credential).allowed)
    return session.refuse('invalid_url', 'payload.url is not a route this session may control', {
      id,
      hint: NO_ROUTE_HINT,
    });
  const lease = access.acquireControl(session.id, session.address, () => session.control.active);
  if (!lease.granted)
    return session.refuse(
      'control_busy',
      `control is held by ${lease.heldBy} since ${new Date(lease.since).toISOString()}`,
      { id, hint: 'try again when that session has stopped, ended or been idle' },
    );
  if (draining()) {
    session.notSent(command, 'the gateway is stopping');
    return true;
  }
  if (!session.control.push(command))
    return session.refuse('control_busy', 'too many CONTROLs wait in this session; this one was not taken', { id });
  session.counts.controls++;
  return true;
}
