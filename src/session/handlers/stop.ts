// STOP: ends the monitor, the CONTROLs, or the whole session [OS-3.5].
import { PROFILE_CODES } from '../../../protocol/profiles.ts';
import type { Stop } from '../../commands/command.ts';
import { errorLine, stopAck } from '../../events/encode.ts';
import type { SessionContext } from '../context.ts';
import type { Stopped } from '../control-activity.ts';

export function stop(session: SessionContext, command: Stop): boolean {
  switch (command.target) {
    case 'monitor':
      return stopMonitor(session, command);
    case 'control':
      return stopControl(session, command);
    case 'session':
      session.close('stop_session', (stopped) => answer(session, command, stopped), { waiting: 'discard' });
      return true;
  }
}

function stopMonitor(session: SessionContext, command: Stop): boolean {
  if (!session.monitor) return nothing(session, command, 'no MONITOR is active');
  session.stopMonitor();
  session.outlet.answer(stopAck(command.id, 'monitor', 0));
  return true;
}

function stopControl(session: SessionContext, command: Stop): boolean {
  if (!session.control.active) return nothing(session, command, 'no CONTROL is in flight or waits');
  session.control.stop((stopped) => {
    // While one is in flight nobody else may move the machine; one that was sent behind the STOP keeps control.
    if (!session.control.active) session.services.access.releaseControl(session.id);
    session.outlet.answer(answer(session, command, stopped));
  });
  return true;
}

function nothing(session: SessionContext, command: Stop, message: string): boolean {
  if (command.target === 'control') session.services.access.releaseControl(session.id);
  const code = PROFILE_CODES.nothingToStop[session.services.profile];
  if (code !== null) return session.refuse(code, `STOP ${command.target}: ${message}`, { id: command.id });
  session.outlet.answer(stopAck(command.id, command.target, 0));
  return true;
}

/** `stop_failed` when the command in flight did not end within its grace. */
function answer(session: SessionContext, { id, target }: Stop, { discarded, aborted }: Stopped): string {
  if (!aborted) return stopAck(id, target, discarded);
  const { draining, limits } = session.services;
  const time = draining() ? 'in the time that a shutdown leaves' : `within ${limits.stopGraceMs} ms`;
  const message = `STOP ${target}: the CONTROL in flight did not end ${time} and was aborted`;
  session.failed('stop_failed', message);
  return errorLine('stop_failed', message, {
    id,
    more: [['discarded', discarded > 0 ? String(discarded) : undefined]],
  });
}
