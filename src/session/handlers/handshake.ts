// HANDSHAKE: credentials and draining, then the version, then whether the session is idle [OS-3.1, OS-3.2].
import { PROTOCOL_MAJOR } from '../../../protocol/version.ts';
import type { Handshake } from '../../commands/command.ts';
import { errorLine, handshakeAck } from '../../events/encode.ts';
import type { SessionContext } from '../context.ts';
import { NO_ROUTE_HINT } from './control.ts';

export function handshake(session: SessionContext, command: Handshake): boolean {
  const { access, draining } = session.services;
  const id = command.id;
  const verdict = access.authenticate(command.token, session.address);
  if (!verdict.admitted) {
    const message =
      command.token === undefined ? 'payload.token is missing' : 'payload.token is not a token of this gateway';
    const hint = 'send the token that the operator of this gateway gave you';
    session.failed('handshake_rejected', message);
    session.close('credentials', () => errorLine('handshake_rejected', message, { id, hint, fatal: true }), {
      delayMs: verdict.delayMs,
    });
    return false;
  }
  if (draining()) {
    const message = 'the gateway is stopping';
    session.failed('handshake_rejected', message);
    const line = errorLine('handshake_rejected', message, {
      id,
      hint: 'connect again in a moment',
      fatal: true,
    });
    session.close('draining', () => line);
    return false;
  }
  if (command.major !== PROTOCOL_MAJOR)
    return session.refuse('version_mismatch', `payload.major is ${command.major}, which this server does not speak`, {
      id,
      hint: `send HANDSHAKE with "major":${PROTOCOL_MAJOR}, the major version of this server`,
    });
  if (session.monitor || session.control.active)
    return session.refuse(
      'busy_session_active',
      `${session.monitor ? 'MONITOR' : 'CONTROL'} is active in this session`,
      {
        id,
      },
    );
  if (command.will && !access.route(command.will.method, command.will.path, verdict.name).allowed)
    return session.refuse('invalid_url', 'payload.will.url is not a route this session may control', {
      id,
      hint: NO_ROUTE_HINT,
    });
  session.credential = verdict.name;
  session.will = command.will;
  session.ready();
  session.outlet.answer(handshakeAck(id));
  return true;
}
