import type { z } from 'zod'
import { flag } from '../leaf.ts'
import { keys } from '../names.ts'

/** What may be said of an agent: whether it runs, and knobs of its own. All have defaults. */
export function agentKnobs<const Knobs extends z.ZodRawShape>(knobs: Knobs) {
  return keys({ enabled: flag().prefault(true).describe('Whether the agent runs. Default true.'), ...knobs })
}
