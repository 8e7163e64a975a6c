import { createRegion, handleOf } from '../../engine/memory/region.ts'
import { completeOptions } from '../../engine/policies/policy-options.ts'
import { POLICIES } from '../../engine/policies/registry.ts'
import { attach } from '../../engine/router/attachment.ts'
import { Router } from '../../engine/router/router.ts'
import type { Subject } from '../harness.ts'
import { loneService, pickAndSettle } from './lone-service.ts'

const ENDPOINTS = [4, 16, 64, 1024]
/** A look-up costs as much among ten thousand, which is the point of it. */
const ENDPOINTS_BY_TABLE = [...ENDPOINTS, 10_000]

/** Policies as they are, and by each word of an option that has words. */
const SUBJECTS = POLICIES.flatMap(policy => {
  const words = Object.entries(policy.options).flatMap(([name, option]) =>
    option.kind === 'word' ? option.words.filter(word => word !== option.default).map(word => ({ [name]: word })) : [],
  )
  return [{}, ...words].map(options => ({ policy, options }))
})

/**
 * What one decision costs: pick and settle, every policy, by number of endpoints, weights 1, 2, 3, 1, 2 … Where a key
 * decides each pick has another one.
 */
export async function pickSubjects(): Promise<{ subjects: Subject[]; close: () => void }> {
  const closers: (() => void)[] = []
  const subjects: Subject[] = [emptyCall()]
  for (const { policy, options } of SUBJECTS) {
    const isTable = policy.table?.(completeOptions(policy.options, options)) !== undefined
    for (const endpoints of isTable ? ENDPOINTS_BY_TABLE : ENDPOINTS) {
      const service = await loneService(policy.name, options, endpoints)
      closers.push(() => void service.close())
      subjects.push({
        name: [`pick+settle/${policy.name}`, ...Object.values(options), endpoints].join('/'),
        batch: pickAndSettle(service),
      })
    }
  }
  subjects.push(...stickySubjects(closers))
  return { subjects, close: () => closers.forEach(close => void close()) }
}

/**
 * Sessions that are known, 1,024 and 65,536 of them (the second table is larger than a core's cache), and sessions that are
 * all new: their pick pays a look-up in vain, the policy within, and room made for them.
 */
function stickySubjects(closers: (() => void)[]): Subject[] {
  return [1024, 65_536, 0].map(sessions => {
    const attachment = attach(handleOf(createRegion({ seats: 4, rows: 16, affinity: 1 << 18 })))
    closers.push(() => attachment.close())
    attachment.writer.edit(edit => {
      const service = edit.putService({ name: 'bench', policy: { name: 'sticky' }, panicThreshold: 0.5 })
      for (let i = 0; i < 16; i++) {
        edit.add(service, {
          id: `e${i}`,
          url: `http://127.0.0.1:${1024 + i}`,
          zone: '',
          metadata: {},
          weight: 1,
          priority: 0,
        })
      }
    })
    const router = new Router(attachment, 'bench')
    let next = 0
    const nextKey = sessions === 0 ? () => ++next : () => 1 + (next++ & (sessions - 1))
    return {
      name: sessions === 0 ? 'pick+settle/sticky/new session' : `pick+settle/sticky/${sessions} sessions`,
      batch: (times: number) => {
        for (let i = 0; i < times; i++) router.settle(router.pick(nextKey()), 'ok', i & 1023)
      },
    }
  })
}

/** The null: a call that does next to nothing, in the same batch. What a row costs beyond it is the row's own. */
function emptyCall(): Subject {
  let sum = 0
  const add = (value: number): number => (sum = (sum + value) | 0)
  return {
    name: 'null/empty-call',
    batch: times => {
      for (let i = 0; i < times; i++) add(i)
    },
  }
}
