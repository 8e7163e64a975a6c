import type { BeatBook } from './beat-book.ts'
import type { WatchSettings } from './settings.ts'
import type { Watched } from './watched.ts'

/** A search that this node helps with. */
interface Assist {
  readonly asker: string
  readonly subject: string
}

export interface NodeWatch {
  readonly settings: WatchSettings
  /** When each was heard. Changed in place, see there. */
  readonly book: BeatBook
  readonly me: { readonly node: string; readonly incarnation: number; readonly rank: number | null }
  /** How unwell this node is, 0 to 8, and whether anything has gone wrong since the last beat. */
  readonly localHealth: number
  readonly isTroubled: boolean
  readonly others: ReadonlyMap<string, Watched>
  readonly assists: ReadonlyMap<string, Assist>
  readonly seed: number
  readonly beats: number
  readonly probes: number
  /** Beats of nodes that there was no room for. */
  readonly turnedAway: number
}

export interface WatchOptions {
  readonly node: string
  /** Of the agent: greater than any before it, in this life of the node and in earlier ones. */
  readonly incarnation: number
  readonly settings: WatchSettings
  readonly seed: number
}

/** The book, too, must know: all silence is forgiven for longer. */
export function unwell(watch: NodeWatch, localHealth: number): NodeWatch {
  watch.book.localHealth = localHealth
  return { ...watch, localHealth }
}

export function put(watch: NodeWatch, watched: Watched): NodeWatch {
  return { ...watch, others: new Map(watch.others).set(watched.node, watched) }
}

export function without<Value>(map: ReadonlyMap<string, Value>, key: string): ReadonlyMap<string, Value> {
  const left = new Map(map)
  left.delete(key)
  return left
}
