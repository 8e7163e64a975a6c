/**
 * An exhaustive explorer of small models: every interleaving of every step of every process, with death at any step.
 *
 * A state is a row of bytes: the words of the model, then where each process stands, then how many have died. A process
 * is a list of named steps; each takes one atomic step of the algorithm on the state and names the next one. Memory is
 * sequentially consistent here: what plain accesses add to that is told in README.md, algorithm by algorithm.
 */
export type State = Uint8Array

/** One atomic step. Returns the name of the next, DONE, or WAIT when the process cannot go on now (and wrote nothing). */
export type Step = (s: State) => string

export const DONE = '(done)'
export const WAIT = '(wait)'

export interface Process {
  readonly name: string
  /** It starts with the first. */
  readonly steps: Readonly<Record<string, Step>>
  /** It may die between any two steps; this word is then set to 1, for whoever is told of the death. */
  readonly deathWord?: number
  /** It serves the others and may be left waiting when they have ended. */
  readonly isService?: boolean
}

export interface Model {
  /** How many words, each 0 to 255. */
  readonly words: number
  readonly processes: readonly Process[]
  /** How many processes may die in one run. */
  readonly deaths: number
  begin(s: State): void
  /** What is wrong with a state, or nothing. Asked of every state. */
  always?(s: State): string | undefined
  /** What is wrong with a state in which nobody can go on. */
  atEnd?(s: State): string | undefined
}

export interface Verdict {
  readonly states: number
  readonly steps: number
  /** States in which nobody can go on. */
  readonly ends: number
  /** What went wrong and the shortest way there; undefined when nothing can. */
  readonly broken?: { readonly what: string; readonly way: readonly string[] }
}

/** Names of words, handed out one after the other. */
export class Words {
  count = 0

  /** The first of `count` words. */
  take(count = 1): number {
    const first = this.count
    this.count += count
    return first
  }
}

/** Thrown by `wrong` within a step. */
class Wrong extends Error {}

/** A step has seen what must not be. */
export function wrong(what: string): never {
  throw new Wrong(what)
}

const DONE_AT = 254
const DEAD_AT = 255

/**
 * Visits every state. Checks `always` everywhere and `atEnd` at the ends; that nobody but services is left waiting
 * there; and that from every state an end can be reached without further deaths, so that nobody is stuck or circles for
 * ever. Breadth first, so the way to what is wrong is a shortest one.
 */
export function explore(model: Model): Verdict {
  return new Exploration(model).run()
}

class Exploration {
  readonly #model: Model
  readonly #labels: readonly (readonly string[])[]
  readonly #seen = new Map<string, number>()
  readonly #frontier: State[] = []
  readonly #parent: number[] = []
  readonly #by: number[] = []
  /** Steps without deaths, backwards: for the question whether an end can be reached. */
  readonly #from: number[] = []
  readonly #to: number[] = []
  readonly #ends: number[] = []

  constructor(model: Model) {
    this.#model = model
    this.#labels = model.processes.map(({ steps }) => Object.keys(steps))
  }

  run(): Verdict {
    const { words, processes } = this.#model
    const first = Buffer.alloc(words + processes.length + 1)
    this.#model.begin(first)
    let broken = this.#visit(first, -1, -1)
    for (let at = 0; broken === undefined && at < this.#frontier.length; at++) {
      broken = this.#expand(at)
      // Only the key is needed from here on.
      this.#frontier[at] = first
    }
    broken ??= this.#findStandstill()
    return { states: this.#seen.size, steps: this.#from.length, ends: this.#ends.length, broken }
  }

  #expand(at: number): Verdict['broken'] {
    const state = this.#frontier[at]!
    const { words, processes, deaths, atEnd } = this.#model
    const waiting: string[] = []
    let canMove = false
    for (let p = 0; p < processes.length; p++) {
      const { steps, deathWord, name, isService } = processes[p]!
      const place = state[words + p]!
      if (place >= DONE_AT) continue
      const label = this.#labels[p]![place]!
      const after = Buffer.from(state)
      let next: string
      try {
        next = steps[label]!(after)
      } catch (error) {
        if (!(error instanceof Wrong)) throw error
        return { what: error.message, way: [...this.#way(at), `${name}: ${label}`] }
      }
      if (next === WAIT) {
        if (!isService) waiting.push(`${name} at ${label}`)
      } else {
        canMove = true
        after[words + p] = next === DONE ? DONE_AT : this.#placeOf(p, next)
        const broken = this.#visit(after, at, p)
        if (broken !== undefined) return broken
      }
      if (deathWord !== undefined && state[words + processes.length]! < deaths) {
        const dead = Buffer.from(state)
        dead[words + p] = DEAD_AT
        dead[deathWord] = 1
        dead[words + processes.length]!++
        const broken = this.#visit(dead, at, p + processes.length)
        if (broken !== undefined) return broken
      }
    }
    if (canMove) return undefined
    this.#ends.push(at)
    const what = waiting.length > 0 ? `nobody can go on: ${waiting.join(', ')}` : atEnd?.(state)
    return what === undefined ? undefined : { what, way: this.#way(at) }
  }

  /** Notes a state and how it came about. `by` is a process; beyond their number, its death; −1: the beginning. */
  #visit(state: Buffer, parent: number, by: number): Verdict['broken'] {
    const key = state.toString('latin1')
    let at = this.#seen.get(key)
    const isNew = at === undefined
    if (at === undefined) {
      at = this.#frontier.push(state) - 1
      this.#seen.set(key, at)
      this.#parent.push(parent)
      this.#by.push(by)
    }
    if (by >= 0 && by < this.#model.processes.length) {
      this.#from.push(parent)
      this.#to.push(at)
    }
    const what = isNew ? this.#model.always?.(state) : undefined
    return what === undefined ? undefined : { what, way: this.#way(at) }
  }

  #placeOf(p: number, label: string): number {
    const place = this.#labels[p]!.indexOf(label)
    if (place < 0) throw new Error(`Cannot go on: ${this.#model.processes[p]!.name} has no step "${label}"`)
    return place
  }

  /** A state from which no end can be reached: what has ended walks backwards, what is not met stands or circles. */
  #findStandstill(): Verdict['broken'] {
    const count = this.#seen.size
    const starts = new Int32Array(count + 1)
    for (const to of this.#to) starts[to + 1]!++
    for (let at = 0; at < count; at++) starts[at + 1]! += starts[at]!
    const fill = starts.slice()
    const parents = new Int32Array(this.#from.length)
    this.#to.forEach((to, edge) => {
      parents[fill[to]!++] = this.#from[edge]!
    })
    const isMet = new Uint8Array(count)
    const left = [...this.#ends]
    for (const end of left) isMet[end] = 1
    for (let at = left.pop(); at !== undefined; at = left.pop()) {
      for (let edge = starts[at]!; edge < starts[at + 1]!; edge++) {
        const parent = parents[edge]!
        if (isMet[parent] === 1) continue
        isMet[parent] = 1
        left.push(parent)
      }
    }
    const stuck = isMet.indexOf(0)
    return stuck < 0 ? undefined : { what: 'from here nobody comes to an end', way: this.#way(stuck) }
  }

  #way(to: number): string[] {
    const { words, processes } = this.#model
    const keys = [...this.#seen.keys()]
    const way: string[] = []
    for (let at = to; this.#parent[at]! >= 0; at = this.#parent[at]!) {
      const by = this.#by[at]!
      const p = by % processes.length
      const place = keys[this.#parent[at]!]!.charCodeAt(words + p)
      way.push(`${processes[p]!.name}: ${this.#labels[p]![place]}${by === p ? '' : ' not reached: it dies'}`)
    }
    return way.reverse()
  }
}
