import { tell } from '../kit/grammar/directive.ts'
import type { TaskResult } from '../signals.ts'
import { sessionWanted } from '../skills/operations/coordination.ts'
import type { Figures, Procedure } from '../skills/operations/procedure.ts'
import { resultsOf } from '../skills/operations/session.ts'
import { findStranger } from './options.ts'

interface Rebalancing {
  readonly services: readonly string[]
  readonly results: readonly TaskResult[] | null
}

/** How long a load balancer has to move weights: it does so in steps. */
export const REBALANCE_MS = 60_000

/**
 * Has load evened out, of one service or of all: `{ service }`. What it was and what it has become are coefficients of variation, as the
 * load balancer says.
 */
export const rebalanceLoad: Procedure<Rebalancing> = {
  isResumed: false,
  begin({ options }, { tables }) {
    const stranger = findStranger(options, ['service'])
    if (stranger !== undefined) return { refusal: stranger }
    const names = tables.services.map(({ name }) => name)
    const { service = '' } = options
    if (service !== '' && !names.includes(service)) return { refusal: `there is no service ${JSON.stringify(service)}` }
    const services = service === '' ? names : [service]
    return { memory: { services, results: null }, before: { services: services.join(', ') } }
  },
  stages: [
    {
      name: 'coordinate',
      enter({ services }, _, { id }) {
        const tasks = services.map(
          subject => ({ role: 'load-balancer', what: 'rebalance', subject, detail: '' }) as const,
        )
        return [tell(sessionWanted.of({ key: id, tasks, deadlineMs: REBALANCE_MS }))]
      },
      look({ results }) {
        if (results === null) return { go: 'wait' }
        const bad = results.filter(({ status }) => status !== 'done')
        if (bad.length === 0) return { go: 'next' }
        return { go: 'failed', because: bad.map(({ subject, because }) => `${subject}: ${because}`).join('; ') }
      },
    },
  ],
  take: (memory, returned) =>
    returned.kind === 'session' ? { ...memory, results: resultsOf(returned.session) } : memory,
  after: ({ results }) => unevennessOf(results ?? []),
}

function unevennessOf(results: readonly TaskResult[]): Figures {
  return Object.fromEntries(
    results.flatMap(({ subject, figures }) =>
      Object.entries(figures).map(([name, figure]) => [`${subject} ${name}`, figure] as const),
    ),
  )
}
