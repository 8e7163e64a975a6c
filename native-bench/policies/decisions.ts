import { createRegion, handleOf } from '../../engine/memory/region.ts'
import type { Policy } from '../../engine/policies/policy.ts'
import { completeOptions } from '../../engine/policies/policy-options.ts'
import { POLICIES } from '../../engine/policies/registry.ts'
import { attach } from '../../engine/router/attachment.ts'
import { Router } from '../../engine/router/router.ts'
import type { Subject } from '../harness.ts'
import type { Group } from '../suite.ts'
import { drawDecisions } from './drawn.ts'
import { loneService } from './lone-service.ts'
import { pickAndSettle } from './pick-and-settle.ts'

const ENDPOINTS = [4, 16, 64, 1024]
/** A look-up costs as much among ten thousand, which is the point of it. */
const ENDPOINTS_BY_TABLE = [...ENDPOINTS, 10_000]

type Options = Readonly<Record<string, string>>

/** Policies as they are, and by each word of an option that has words. */
const VARIANTS = POLICIES.flatMap((policy): { readonly policy: Policy; readonly options: Options }[] => {
  const words = Object.entries(policy.options).flatMap(([name, option]) =>
    option.kind === 'word' ? option.words.filter(word => word !== option.default).map(word => ({ [name]: word })) : [],
  )
  return [{}, ...words].map(options => ({ policy, options }))
})

/**
 * What one decision costs: pick and settle, every policy, by number of endpoints, weights 1, 2, 3, 1, 2 … Where a key
 * decides each pick has another one.
 */
export const decisions: Group = {
  name: 'decisions',
  summary: 'pick and settle, every policy, by number of endpoints',
  subjects: [
    emptyCall(),
    ...VARIANTS.flatMap(({ policy, options }) => {
      const isTable = policy.table?.(completeOptions(policy.options, options)) !== undefined
      return (isTable ? ENDPOINTS_BY_TABLE : ENDPOINTS).map(endpoints => decision(policy.name, options, endpoints))
    }),
    sessions('1024 sessions', 1024),
    sessions('65536 sessions', 65_536),
    sessions('new session', 0),
  ],
  plots: drawDecisions,
}

function decision(policy: string, options: Options, endpoints: number): Subject {
  return {
    name: [`pick+settle/${policy}`, ...Object.values(options), endpoints].join('/'),
    async begin() {
      const service = await loneService(policy, options, endpoints)
      return { batch: pickAndSettle(service), close: () => service.close() }
    },
  }
}

/**
 * Sessions that are known, 1,024 and 65,536 of them (the second table is larger than a core's cache), and sessions that are
 * all new: their pick pays a look-up in vain, the policy within, and room made for them.
 */
function sessions(name: string, known: number): Subject {
  return {
    name: `pick+settle/sticky/${name}`,
    async begin() {
      const attachment = attach(handleOf(createRegion({ seats: 4, rows: 16, affinity: 1 << 18 })))
      attachment.writer.edit(edit => {
        const service = edit.putService({ name: 'bench', policy: { name: 'sticky' }, panicThreshold: 0.5 })
        for (let i = 0; i < 16; i++) {
          const url = `http://127.0.0.1:${1024 + i}`
          edit.add(service, { id: `e${i}`, url, zone: '', metadata: {}, weight: 1, priority: 0 })
        }
      })
      const router = new Router(attachment, 'bench')
      let next = 0
      const nextKey = known === 0 ? () => ++next : () => 1 + (next++ & (known - 1))
      return {
        batch(times) {
          for (let i = 0; i < times; i++) router.settle(router.pick(nextKey()), 'ok', i & 1023)
        },
        close: async () => attachment.close(),
      }
    },
  }
}

/** The null: a call that does next to nothing, in the same batch. What a row costs beyond it is the row's own. */
function emptyCall(): Subject {
  return {
    name: 'null/empty-call',
    async begin() {
      let sum = 0
      const add = (value: number): number => (sum = (sum + value) | 0)
      return {
        batch(times) {
          for (let i = 0; i < times; i++) add(i)
        },
        close: async () => {},
      }
    },
  }
}
