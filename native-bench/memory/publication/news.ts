import type { MessagePort } from 'node:worker_threads'
import type { NewEndpoint } from '../../../engine/memory/edit.ts'
import { createRegion, handleOf, type RegionHandle } from '../../../engine/memory/region.ts'
import { attach } from '../../../engine/router/attachment.ts'

/**
 * What is told. Each turns the pick from one endpoint to the other, and back:
 *
 *   bar         an agent bars the first endpoint, as the failure detector does, or lets it in again: one word
 *   endpoint    the first endpoint joins the service, or leaves it: an edit of the structure
 */
export type News = 'bar' | 'endpoint'

/** How it is told: by the tables of the region, or by messages, for which a thread listens or looks between two picks. */
export type Means = 'memory' | 'message' | 'polled message'

/** What the thread that writes and the one that picks are given. */
export interface Part {
  readonly news: News
  readonly means: Means
  readonly handle: RegionHandle
  /** A ring by which whoever picks tells that it has seen: the next news comes after that. */
  readonly seen: SharedArrayBuffer
  readonly port: MessagePort
}

export type PublicationOrder = { readonly flips: number }

/** What one of both threads has to tell of a turn. */
export interface PublicationAnswer {
  /** When each news was told, or was seen: CLOCK_MONOTONIC, ns. */
  readonly atNs: Float64Array
  /** Of whoever writes: how long each write took by itself. */
  readonly writesNs?: Float64Array
  /** How often the pick has changed in all. */
  readonly changes: number
}

export const SERVICE = 'bench'
/** Picked where it may be; the other only then when it may not. */
export const FIRST: NewEndpoint = endpoint('first', 0)
const SECOND: NewEndpoint = endpoint('second', 1)

function endpoint(id: string, priority: number): NewEndpoint {
  return { id, url: `http://127.0.0.1:${1024 + priority}`, zone: '', metadata: {}, weight: 1, priority }
}

/** A region with both endpoints, to which nobody is attached yet. */
export function layService(): RegionHandle {
  const handle = handleOf(createRegion({ seats: 4, rows: 64 }))
  const attachment = attach(handle)
  attachment.writer.edit(edit => {
    const service = edit.putService({ name: SERVICE, policy: { name: 'round-robin' }, panicThreshold: 0.5 })
    edit.add(service, FIRST)
    edit.add(service, SECOND)
  })
  attachment.close()
  return handle
}
