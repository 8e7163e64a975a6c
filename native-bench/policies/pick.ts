import { createRegion, handleOf } from '../../engine/memory/region.ts'
import { POLICIES } from '../../engine/policies/registry.ts'
import { attach } from '../../engine/router/attachment.ts'
import { Router } from '../../engine/router/router.ts'
import type { Subject } from '../harness.ts'

const ENDPOINTS = [4, 16, 64, 1024]

/** What one decision costs: pick and settle, every policy, by number of endpoints, weights 1, 2, 3, 1, 2 … */
export function pickSubjects(): { subjects: Subject[]; close: () => void } {
  const closers: (() => void)[] = []
  const subjects = POLICIES.flatMap(policy =>
    ENDPOINTS.map(endpoints => {
      const attachment = attach(handleOf(createRegion({ seats: 4, rows: endpoints })))
      closers.push(() => attachment.close())
      attachment.writer.edit(edit => {
        const service = edit.putService({ name: 'bench', policy: { name: policy.name }, panicThreshold: 0.5 })
        for (let i = 0; i < endpoints; i++) {
          const url = `http://127.0.0.1:${1024 + i}`
          edit.add(service, { id: `e${i}`, url, zone: '', metadata: {}, weight: 1 + (i % 3), priority: 0 })
        }
      })
      const router = new Router(attachment, 'bench')
      return {
        name: `pick+settle/${policy.name}/${endpoints}`,
        batch: (times: number) => {
          for (let i = 0; i < times; i++) router.settle(router.pick(), 'ok', i & 1023)
        },
      }
    }),
  )
  return { subjects: [emptyCall(), ...subjects], close: () => closers.forEach(close => void close()) }
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
