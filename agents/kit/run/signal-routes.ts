import { SignalboxError } from '../../../engine/writer.ts'

export const PRIORITY_MIN = -100
export const PRIORITY_MAX = 100

/** Types whose targets are remembered: more kinds than any roster has, and a bound on what strangers can make it remember. */
const REMEMBERED_TYPES = 1024
/** A pattern longer than this is a mistake, or meant to harm. */
const PATTERN_SEGMENTS = 32
const PATTERN_LENGTH = 255

const ONE = '*'
const MANY = '**'
const LITERAL = /^[A-Za-z0-9_-]+$/

/** How much a segment of a pattern says, as letters that sort: many < the end of the pattern < one < a literal. */
const RANK_MANY = 'a'
const RANK_END = 'b'
const RANK_ONE = 'c'
const RANK_LITERAL = 'd'

/**
 * Which targets a signal goes to, by patterns over its dotted type.
 *
 *   signalbox.endpoint.ejected      that type
 *   signalbox.*.ejected             `*` stands for one segment
 *   signalbox.**                    `**` stands for any number of segments, also for none
 *
 * The patterns are a trie: one node for each beginning that they share. A type is led through it segment by segment, with all nodes at
 * once that what was read so far may stand at; so it takes (segments × nodes alive) steps, whatever the patterns.
 *
 *   (root) ── signalbox ──┬── endpoint ── ejected ●
 *                         ├── * ───────── ejected ●
 *                         └── ** ●                       a `**` node is alive as soon as its parent is, and stays so
 *
 * Targets come by priority, then the more specific pattern first (segment by segment: a literal, then `*`, then `**`), then in the
 * order they were added. A target that several patterns lead to comes once, at its first place.
 */
export class SignalRoutes<Target> {
  readonly #root: Node<Target> = new Node()
  readonly #remembered = new Map<string, readonly Target[]>()
  #added = 0
  #size = 0

  /** Routes there are. */
  get size(): number {
    return this.#size
  }

  /**
   * Adds a route; what it returns takes it away again, as often as called.
   *
   * Throws SBX_AGENT_INVALID for a pattern or a priority that is none; `priority` is a whole number from -100 to 100, higher first.
   */
  add(pattern: string, target: Target, { priority = 0 }: { readonly priority?: number } = {}): () => void {
    if (!Number.isInteger(priority) || priority < PRIORITY_MIN || priority > PRIORITY_MAX) {
      const wish = `give a whole number from ${PRIORITY_MIN} to ${PRIORITY_MAX}`
      throw new SignalboxError(
        'SBX_AGENT_INVALID',
        `Cannot route ${show(pattern)}: its priority is ${priority}, ${wish}`,
      )
    }
    const segments = segmentsOf(pattern)
    const route = { target, priority, rank: segments.map(rankOf).join('') + RANK_END, serial: this.#added++ }
    const path = [this.#root]
    for (const segment of segments) path.push(path.at(-1)!.grow(segment))
    const { routes } = path.at(-1)!
    routes.add(route)
    this.#size++
    this.#remembered.clear()
    return () => {
      if (!routes.delete(route)) return
      this.#size--
      this.#remembered.clear()
      // From the leaf up: a branch that leads nowhere any more is cut.
      for (let at = segments.length; at > 0 && path[at]!.isBare; at--) path[at - 1]!.children.delete(segments[at - 1]!)
    }
  }

  /** The targets of signals of this type, in order. The list is the same until a route is added or taken away. */
  targets(type: string): readonly Target[] {
    const remembered = this.#remembered.get(type)
    if (remembered !== undefined) return remembered
    const routes = [...this.#reached(type.split('.'))].flatMap(node => [...node.routes]).sort(inOrder)
    const targets = [...new Set(routes.map(({ target }) => target))]
    // The oldest makes room: cheaper than to note who was asked for last, and the types in use fit in anyway.
    if (this.#remembered.size >= REMEMBERED_TYPES) this.#remembered.delete(this.#remembered.keys().next().value!)
    this.#remembered.set(type, targets)
    return targets
  }

  /** The nodes that stand for a whole type. */
  #reached(segments: readonly string[]): Set<Node<Target>> {
    let alive = new Set<Node<Target>>()
    this.#root.enter(alive)
    for (const segment of segments) {
      const next = new Set<Node<Target>>()
      for (const node of alive) {
        if (node.isMany) node.enter(next)
        // The type is not a pattern: a segment of it that is spelled as a wildcard is none.
        if (segment !== ONE && segment !== MANY) node.children.get(segment)?.enter(next)
        node.children.get(ONE)?.enter(next)
      }
      alive = next
    }
    return alive
  }
}

interface Route<Target> {
  readonly target: Target
  readonly priority: number
  readonly rank: string
  readonly serial: number
}

class Node<Target> {
  readonly isMany: boolean
  readonly children = new Map<string, Node<Target>>()
  readonly routes = new Set<Route<Target>>()

  constructor(isMany = false) {
    this.isMany = isMany
  }

  get isBare(): boolean {
    return this.children.size === 0 && this.routes.size === 0
  }

  /** The child for a segment of a pattern, made where there is none. */
  grow(segment: string): Node<Target> {
    const known = this.children.get(segment)
    if (known !== undefined) return known
    const child = new Node<Target>(segment === MANY)
    this.children.set(segment, child)
    return child
  }

  /** Is alive from now on, and with it what needs no segment more. */
  enter(alive: Set<Node<Target>>): void {
    if (alive.has(this)) return
    alive.add(this)
    this.children.get(MANY)?.enter(alive)
  }
}

function inOrder(a: Route<unknown>, b: Route<unknown>): number {
  if (a.priority !== b.priority) return b.priority - a.priority
  if (a.rank !== b.rank) return a.rank > b.rank ? -1 : 1
  return a.serial - b.serial
}

function rankOf(segment: string): string {
  if (segment === MANY) return RANK_MANY
  return segment === ONE ? RANK_ONE : RANK_LITERAL
}

function segmentsOf(pattern: string): string[] {
  if (pattern === '') throw invalid(pattern, 'it is empty')
  if (pattern.length > PATTERN_LENGTH) throw invalid(pattern, `it is longer than ${PATTERN_LENGTH} characters`)
  const segments = pattern.split('.')
  if (segments.length > PATTERN_SEGMENTS) throw invalid(pattern, `it has more than ${PATTERN_SEGMENTS} segments`)
  for (const segment of segments) {
    if (segment === ONE || segment === MANY || LITERAL.test(segment)) continue
    if (segment === '') throw invalid(pattern, 'a segment of it is empty')
    const isMixed = segment.includes('*')
    throw invalid(pattern, `its segment ${show(segment)} ${isMixed ? 'is a wildcard and more' : 'is not a word'}`)
  }
  return segments
}

function invalid(pattern: string, fault: string): SignalboxError {
  return new SignalboxError(
    'SBX_AGENT_INVALID',
    `Cannot route ${show(pattern)}: ${fault}, write words of letters, digits, "-" and "_" joined by dots, with "*" for ` +
      'one word and "**" for any number, such as "signalbox.*.ejected"',
  )
}

const show = (text: string): string => JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text)
