// The golden conversations of protocol/transcripts, replayed over TCP in each profile that they name.
import { basename } from 'node:path';
import { filesBelow, read } from '../protocol/pages.ts';
import { parseTranscript } from '../protocol/transcript.ts';
import { play } from '../protocol/transcript-player.ts';
import { check } from '../support/check.ts';

for (const path of filesBelow('protocol/transcripts', ['.wire'])) {
  const transcript = parseTranscript(read(path));
  const name = basename(path, '.wire');
  for (const profile of transcript.profiles) {
    const title = `${transcript.title} (${profile})`;
    check(`transcript.${name}-${profile}`, title, (context) => play(transcript, profile, context));
  }
}
