import {
  type Alias,
  Composer,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  type Node,
  Parser,
} from 'yaml'
import { DEPTH_MAX } from './interpolate.ts'
import type { Finding, Path } from './problems.ts'

/** Values that aliases may bring in addition to what is written: beyond it, a few lines would unfold into gigabytes. */
const ALIASED_VALUES_MAX = 100_000

/**
 * Collections the parser may have open at once. The composer recurses, and with some thousands of levels it takes the
 * process down rather than throw, so the depth is watched while the tokens go by. Twice the depth of values: the
 * document and each level's own collection count.
 */
const OPEN_MAX = DEPTH_MAX * 2

/** A text in YAML (or JSON, which is YAML too) as plain data, and the way back from a path to a place in the text. */
export interface YamlTree {
  tree: unknown
  findings: Finding[]
  /** Whether the text is not YAML at all; the tree is then worth nothing. */
  isBroken: boolean
  /** Where a path stands; the nearest thing around it where the path itself is not written. */
  offsetOf(path: Path, isOnKey: boolean): number
  /** Line and column, both from 1. */
  placeOf(offset: number): { line: number; column: number }
}

/** Reads a text. Never throws: what is wrong with it is in `findings`. Maps of the tree have no prototype. */
export function readYaml(text: string): YamlTree {
  const lines = new LineCounter()
  const { document, tooDeepAt, secondDocumentAt } = compose(text, lines)
  const findings: Finding[] = []
  if (tooDeepAt !== undefined) {
    findings.push({ path: [], message: `nested deeper than ${DEPTH_MAX} levels; write it flatter`, offset: tooDeepAt })
  } else {
    findings.push(...syntaxFindings(document, lines))
    if (secondDocumentAt !== undefined) {
      findings.push({
        path: [],
        message: 'a second document begins here; write one config per file',
        offset: secondDocumentAt,
      })
    }
  }
  const targets = new Map<Alias, Node>()
  const walk = new Walk(findings, lines, targets)
  const tree = findings.length === 0 ? walk.value(document.contents, []) : undefined
  return {
    tree,
    findings,
    isBroken: tree === undefined || walk.isExhausted,
    offsetOf: (path, isOnKey) => locate(document.contents, path, isOnKey, targets),
    placeOf: offset => {
      const { line, col } = lines.linePos(offset)
      return { line, column: col }
    },
  }
}

function compose(text: string, lines: LineCounter) {
  lines.addNewLine(0)
  const parser = new Parser(lines.addNewLine)
  let tooDeepAt: number | undefined
  function* tokens() {
    for (const lexeme of new Lexer().lex(text)) {
      yield* parser.next(lexeme)
      if (parser.stack.length <= OPEN_MAX) continue
      tooDeepAt = parser.offset
      return
    }
    yield* parser.end()
  }
  // Duplicate keys are found by the walk: the library compares every key with every other.
  const composer = new Composer({ uniqueKeys: false })
  const documents = [...composer.compose(tokens(), true, text.length)]
  return { document: documents[0]!, tooDeepAt, secondDocumentAt: documents[1]?.range[0] }
}

/** One finding for each line with a syntax error: what follows on the same line mostly follows from the first. */
function syntaxFindings(document: Document.Parsed, lines: LineCounter): Finding[] {
  const byLine = new Map<number, Finding>()
  for (const { pos, message } of [...document.errors, ...document.warnings].sort((a, b) => a.pos[0] - b.pos[0])) {
    const { line } = lines.linePos(pos[0])
    if (!byLine.has(line)) byLine.set(line, { path: [], message: `not YAML: ${message}`, offset: pos[0] })
  }
  return [...byLine.values()]
}

/** Turns nodes into plain data, in the order of the text, so that every anchor is known before its aliases. */
class Walk {
  readonly #findings: Finding[]
  readonly #lines: LineCounter
  readonly #targets: Map<Alias, Node>
  readonly #anchors = new Map<string, Node>()
  readonly #open = new Set<Node>()
  #aliasedValues = 0
  #aliasDepth = 0

  constructor(findings: Finding[], lines: LineCounter, targets: Map<Alias, Node>) {
    this.#findings = findings
    this.#lines = lines
    this.#targets = targets
  }

  /** Whether aliases brought too much; the value is then cut short and worth nothing. */
  get isExhausted(): boolean {
    return this.#aliasedValues > ALIASED_VALUES_MAX
  }

  value(node: unknown, path: Path): unknown {
    if (this.#aliasDepth > 0) this.#aliasedValues++
    if (this.isExhausted) return null
    if (isAlias(node)) return this.#aliased(node, path)
    if (isScalar(node)) {
      this.#remember(node)
      if (typeof node.value !== 'object' || node.value === null) return node.value
      return this.#refuse(
        node,
        path,
        'a value of a kind that a config does not have; write text, numbers, true or false',
      )
    }
    if (!isMap(node) && !isSeq(node)) return null
    this.#remember(node as Node)
    if (path.length > DEPTH_MAX) {
      return this.#refuse(node as Node, path, `nested deeper than ${DEPTH_MAX} levels; write it flatter`)
    }
    this.#open.add(node as Node)
    const value = isSeq(node)
      ? node.items.map((item, index) => this.value(item, [...path, index]))
      : this.#map(node, path)
    this.#open.delete(node as Node)
    return value
  }

  #map(node: { items: { key: unknown; value: unknown }[] }, path: Path): Record<string, unknown> {
    const map: Record<string, unknown> = Object.create(null)
    const firstAt = new Map<string, number>()
    for (const pair of node.items) {
      const key = keyOf(pair.key)
      if (key === undefined) {
        this.#refuse(pair.key ?? pair.value, path, 'a key that is not a plain word; write a text')
        continue
      }
      const offset = startOf(pair.key)
      const first = firstAt.get(key)
      if (first !== undefined) {
        const { line } = this.#lines.linePos(first)
        this.#findings.push({
          path: [...path, key],
          isOnKey: true,
          message: `this key is also on line ${line}; write it once`,
          offset,
        })
        continue
      }
      firstAt.set(key, offset)
      // A key without a value is an empty scalar of its own, or nothing at all in a flow map such as { a }.
      map[key] = this.value(pair.value, [...path, key])
    }
    return map
  }

  #aliased(alias: Alias, path: Path): unknown {
    const target = this.#anchors.get(alias.source)
    if (target === undefined)
      return this.#refuse(alias, path, `*${alias.source} has no anchor before it; write &${alias.source} there`)
    if (this.#open.has(target))
      return this.#refuse(alias, path, `*${alias.source} is inside of its own anchor; write the value out`)
    this.#targets.set(alias, target)
    this.#aliasDepth++
    const wasExhausted = this.isExhausted
    const value = this.value(target, path)
    this.#aliasDepth--
    if (this.#aliasDepth === 0 && this.isExhausted && !wasExhausted) {
      this.#refuse(alias, path, `aliases bring more than ${ALIASED_VALUES_MAX} values in all; write fewer`)
    }
    return value
  }

  #remember(node: Node): void {
    const { anchor } = node as { anchor?: string }
    if (anchor !== undefined && this.#aliasDepth === 0) this.#anchors.set(anchor, node)
  }

  #refuse(node: unknown, path: Path, message: string): null {
    this.#findings.push({ path, message, offset: startOf(node) })
    return null
  }
}

/** A key as text. Numbers keep their spelling, so that `1.10` is not `1.1`. */
function keyOf(key: unknown): string | undefined {
  if (!isScalar(key) || key.value === null || typeof key.value === 'object') return undefined
  return typeof key.value === 'string' ? key.value : (key.source ?? String(key.value))
}

function startOf(node: unknown): number {
  return (node as { range?: [number, number, number] } | null)?.range?.[0] ?? 0
}

function locate(root: unknown, path: Path, isOnKey: boolean, targets: Map<Alias, Node>): number {
  let node = root
  let offset = startOf(root)
  for (const [depth, step] of path.entries()) {
    const holder = isAlias(node) ? targets.get(node) : node
    if (isSeq(holder) && typeof step === 'number' && step < holder.items.length) {
      node = holder.items[step]
    } else if (isMap(holder)) {
      const pair = holder.items.find(each => keyOf(each.key) === step)
      if (pair === undefined) return offset
      if (isOnKey && depth === path.length - 1) return startOf(pair.key)
      node = pair.value ?? pair.key
    } else {
      return offset
    }
    offset = startOf(node)
  }
  return offset
}
