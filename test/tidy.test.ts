import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { filesOf, lineOf, readSource, type SourceFile, TOP } from './support/source-files.ts'

/** The house is in order. Each rule is data below and a test that lists every breach as file:line, what is there, and the wish. */

const FOLDERS = ['engine', 'agents', 'native-bench', 'scripts', 'test']

/** What may lie at the top, beside dotfiles. */
const TOP_ENTRIES = new Set([
  ...FOLDERS,
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'README.md',
  'LICENSE',
  'CHANGELOG.md',
  'node_modules',
  'dist',
])

/** Floors of the engine, lowest first: a file imports from its own place or from lower floors, never upwards or sideways. */
const FLOORS: readonly (readonly string[])[] = [
  ['engine/errors.ts'],
  ['engine/memory/'],
  ['engine/policies/'],
  ['engine/config/'],
  ['engine/upstream/'],
  ['engine/router/'],
  ['engine/plane/'],
  ['engine/box/'],
  ['engine/proxy/', 'engine/dispatcher/', 'engine/admin/'],
  ['engine/index.ts', 'engine/writer.ts', 'engine/undici.ts'],
]

/** What whole wings may import, beside packages and themselves. */
const WINGS: Readonly<Record<string, readonly string[]>> = {
  'engine/': [],
  'agents/': ['engine/writer.ts'],
  'native-bench/': ['engine/', 'agents/'],
  'scripts/': ['engine/', 'agents/', 'native-bench/'],
  'test/': ['engine/', 'agents/', 'native-bench/', 'scripts/'],
}

/** Parts of the agents that every room may use; a room never imports a room: it sends signals. */
const SHARED_BY_ROOMS = [
  'agents/kit/',
  'agents/bus/',
  'agents/bridge/',
  'agents/skills/',
  'agents/signals.ts',
  'agents/signals/',
]

/** Where time and chance are read. Everybody else is handed them, so that a run can be replayed. */
const PORTS: Readonly<Record<string, string>> = {
  'engine/memory/clock.ts': 'writes the clock word that all others read',
  'engine/memory/region.ts': 'notes the origin of the clock',
  'engine/memory/table-writer.ts': 'bounds the wait for another writer',
  'engine/memory/ring-sleep.ts': 'bounds a sleep',
  'engine/admin/clock.ts': 'the port of the admin listener',
  'engine/box/wall-clock.ts': 'when a config was taken, for people, and the age of what another process wrote',
  'engine/upstream/': 'real connections have real time limits, and names and files an age',
  'engine/proxy/': 'real sockets have real time limits; nothing of it is simulated',
  'engine/dispatcher/': 'likewise: it times requests of others',
  'agents/kit/clock.ts': 'the port of the agents',
  'agents/kit/dice.ts': 'the port of the agents',
  'agents/bridge/clock.ts': 'the port of the bridge',
  'native-bench/': 'measures',
  'scripts/': 'composes and demonstrates',
  'test/': 'waits with deadlines',
}

/** Words that say nothing about what is in a file. */
const EMPTY_WORDS = new Set(
  (
    'util utils helper helpers common misc base core manager handler handlers processor data info item thing smart fast simple ' +
    'advanced new v2 master slave blacklist whitelist tmp cfg ctx mgr idx'
  ).split(' '),
)

/** Names that hold such a word and stay. */
const NAMED_BY_OTHERS: Readonly<Record<string, string>> = {
  'resource-manager': 'what the agent is called where people read about it',
  'resource-manager.ts': 'the knobs of it',
  'configuration-manager': 'likewise',
  'configuration-manager.ts': 'the knobs of it',
  'partition-handler': 'likewise',
  'partition-handler.ts': 'the knobs of it',
  'handler-style.ts': 'undici calls what a dispatcher answers to a handler',
}

const LINES_MAX = 400
/** Longer files, each with the reason. */
const LONG_FILES: Readonly<Record<string, string>> = {
  'test/memory/ring.test.ts': 'every promise of the ring, asked of both kinds',
}

const FILES = filesOf(FOLDERS)
const SOURCES = FILES.filter(path => path.endsWith('.ts')).map(readSource)

/** Fails with every breach, one a line. */
function allow(breaches: readonly string[]): void {
  assert.ok(breaches.length === 0, `\n${breaches.join('\n')}\n`)
}

/** One line for each place where a pattern stands in the code of a file. */
function places({ path, code }: SourceFile, pattern: RegExp, wish: string): string[] {
  return [...code.matchAll(pattern)].map(match => `${path}:${lineOf(code, match.index)}: ${match[0].trim()}; ${wish}`)
}

const isIn = (path: string, places: readonly string[]): boolean => places.some(place => path.startsWith(place))

test('the rules are looked up in a tree that is there', () => {
  assert.ok(SOURCES.length > 50, `${SOURCES.length} sources under ${TOP}`)
  assert.ok(SOURCES.flatMap(({ imports }) => imports).length > 200)
})

test('nothing lies at the top but what belongs there', () => {
  const strangers = readdirSync(TOP).filter(name => !name.startsWith('.') && !TOP_ENTRIES.has(name))
  allow(strangers.map(name => `${name}:1: lies at the top; put it into one of ${FOLDERS.join(', ')}`))
})

test('relative imports end in .ts and lead to a file', () => {
  allow(
    SOURCES.flatMap(({ path, imports }) =>
      imports.flatMap(({ specifier, file, line }) => {
        if (file === undefined) return []
        if (!/\.(ts|json)$/.test(specifier))
          return [`${path}:${line}: imports ${specifier}; write the .ts file it means`]
        return existsSync(join(TOP, file)) ? [] : [`${path}:${line}: imports ${specifier}; there is no such file`]
      }),
    ),
  )
})

test('the wings keep apart: what may import what', () => {
  allow(
    SOURCES.flatMap(({ path, imports }) => {
      const own = Object.keys(WINGS).find(wing => path.startsWith(wing))
      if (own === undefined) return []
      return imports.flatMap(({ file, line, isTypeOnly }) => {
        if (file === undefined || isIn(file, [own, ...WINGS[own]])) return []
        if (own === 'agents/' && isTypeOnly && file.startsWith('engine/config/')) return []
        const may = WINGS[own].length === 0 ? 'nothing outside it' : `only ${WINGS[own].join(', ')}`
        return [`${path}:${line}: imports ${file}; ${own} may import ${may}`]
      })
    }),
  )
})

test('the engine only walks down: no floor imports one above it, nor its neighbour', () => {
  const floorOf = (file: string): number => FLOORS.findIndex(floor => isIn(file, floor))
  const placeOf = (file: string): string | undefined => FLOORS.flat().find(place => file.startsWith(place))
  allow(
    SOURCES.filter(({ path }) => path.startsWith('engine/')).flatMap(({ path, imports }) => {
      if (floorOf(path) < 0) return [`${path}:1: stands on no floor; put it into one of ${FLOORS.flat().join(', ')}`]
      return imports.flatMap(({ file, line }) => {
        if (file === undefined || !file.startsWith('engine/')) return []
        if (placeOf(file) === placeOf(path) || floorOf(file) < floorOf(path)) return []
        return [`${path}:${line}: imports ${file}; what it wants belongs on a floor below ${placeOf(path)}`]
      })
    }),
  )
})

test('a room of the agents never imports another room', () => {
  const roomOf = (file: string): string | undefined =>
    /^agents\/[^/]+\//.exec(file)?.[0] === undefined || isIn(file, SHARED_BY_ROOMS) ? undefined : file.split('/')[1]
  allow(
    SOURCES.flatMap(({ path, imports }) => {
      const room = roomOf(path)
      if (room === undefined) return []
      return imports.flatMap(({ file, line }) =>
        file?.startsWith('agents/') && roomOf(file) !== room && !isIn(file, SHARED_BY_ROOMS)
          ? [`${path}:${line}: imports ${file}; send a signal, or put it into one of ${SHARED_BY_ROOMS.join(', ')}`]
          : [],
      )
    }),
  )
})

/** Who else may name Atomics, and for what. */
const ATOMICS_ELSEWHERE: Readonly<Record<string, string>> = {
  'native-bench/memory/patience.ts':
    'gives its core away where a ring is full, which JavaScript has no other word for; shares nothing',
}

test('Atomics stay in engine/memory', () => {
  const wish = 'shared words are read and written by engine/memory alone, give it a function with a name'
  const others = SOURCES.filter(
    ({ path }) => !isIn(path, ['engine/memory/', 'test/', ...Object.keys(ATOMICS_ELSEWHERE)]),
  )
  allow(others.flatMap(source => places(source, /\bAtomics\b[.\w]*/g, wish)))
})

test('in engine/memory the seam alone names Atomics', () => {
  const wish = 'call atomics of atomics.ts, so that a test can step through it'
  const others = SOURCES.filter(({ path }) => path.startsWith('engine/memory/') && !path.endsWith('/atomics.ts'))
  allow(others.flatMap(source => places(source, /\bAtomics\.(?!waitAsync)\w+/g, wish)))
})

test('time and chance are read at their ports only', () => {
  const reads = /\bperformance\.now\b|\bDate\.now\b|\bnew Date\(\)|\bhrtime\b|\bMath\.random\b/g
  const wish = `take it as an argument; it is read in ${Object.keys(PORTS).join(', ')}`
  const others = SOURCES.filter(({ path }) => !isIn(path, Object.keys(PORTS)))
  allow(others.flatMap(source => places(source, reads, wish)))
})

/** Threads that are started again while requests wait, and the doors they come in by. */
const THREADS = ['engine/proxy/threads/thread.ts', 'engine/proxy/threads/hold.ts', 'agents/thread.ts']
/** What takes a tenth of a second to load, and is nothing to them. */
const HEAVY = ['zod', 'undici', 'yaml', 'pino', 'piscina', 'hdr-histogram-js']

/** Who loads some of it into a thread of agents all the same, and when. */
const LOADED_LATE: Readonly<Record<string, readonly string[]>> = {
  // Only when a fit is so large that it is to be done elsewhere, minutes after the start; see there.
  'agents/skills/forecasts/fits/fit-pool.ts': ['piscina'],
}

test('threads of proxy and agents load nothing that only the main thread needs', () => {
  const sources = new Map(SOURCES.map(source => [source.path, source]))
  const reached = new Set([...THREADS, ...FILES.filter(path => /^agents\/[^/]+\/agent\.ts$/.test(path))])
  for (const path of reached) {
    for (const { file, isTypeOnly } of sources.get(path)?.imports ?? []) if (file && !isTypeOnly) reached.add(file)
  }
  assert.ok(reached.size > 50, `${reached.size} files are reached`)
  allow(
    [...reached].flatMap(path =>
      (sources.get(path)?.imports ?? [])
        .filter(({ specifier, isTypeOnly }) => !isTypeOnly && HEAVY.includes(specifier))
        .filter(({ specifier, isDeferred }) => !isDeferred || !LOADED_LATE[path]?.includes(specifier))
        .map(({ specifier, line }) => `${path}:${line}: loads ${specifier} into a thread; let the main thread do it`),
    ),
  )
})

test('an agent that comes in by signalbox/agents loads no supervisor into its thread', () => {
  const sources = new Map(SOURCES.map(source => [source.path, source]))
  const reached = new Map<string, string>([['agents/index.ts', '']])
  for (const [path] of reached) {
    for (const { file, line, isTypeOnly, isDeferred } of sources.get(path)?.imports ?? []) {
      if (file && !isTypeOnly && !isDeferred && !reached.has(file)) reached.set(file, `${path}:${line}`)
    }
  }
  const mainOnly =
    /^agents\/(start-agents|bridge\/(sequencer|inline)|kit\/(supervision\/(supervis|placement)|outside\/liaison|virtual\/running))/
  assert.ok(FILES.filter(path => mainOnly.test(path)).length >= 6)
  allow(
    [...reached].flatMap(([path, from]) =>
      mainOnly.test(path)
        ? [`${from}: loads ${path}, which whoever has agents run needs; import() it at the start`]
        : [],
    ),
  )
})

test('the bridge waits by its clock alone', () => {
  const wish = 'use the clock it is handed, so that it runs in virtual time'
  const bridge = SOURCES.filter(({ path }) => path.startsWith('agents/bridge/') && path !== 'agents/bridge/clock.ts')
  allow(bridge.flatMap(source => places(source, /\bset(Timeout|Interval)\b|node:timers/g, wish)))
})

test('files and folders are named in kebab-case, and for what is in them', () => {
  allow(
    FILES.flatMap(path =>
      path
        .split('/')
        .filter(name => !name.startsWith('.') && !(name in NAMED_BY_OTHERS))
        .flatMap(name => {
          if (name !== 'README.md' && !/^[a-z0-9]+([-.][a-z0-9]+)*$/.test(name))
            return [`${path}:1: ${name}; write it in kebab-case`]
          const empty = name.split(/[-.]/).find(word => EMPTY_WORDS.has(word))
          return empty === undefined ? [] : [`${path}:1: ${name} says "${empty}"; name the one thing it holds`]
        }),
    ),
  )
})

test(`no file is longer than ${LINES_MAX} lines, but for those with a reason`, () => {
  allow(
    SOURCES.flatMap(({ path, text }) => {
      const lines = text.split('\n').length - 1
      if (lines <= LINES_MAX || path in LONG_FILES) return []
      return [`${path}:${lines}: has ${lines} lines; look for the second idea in it`]
    }),
  )
})

test('exceptions are for files that are there', () => {
  const named = [LONG_FILES, LOADED_LATE, PORTS, ATOMICS_ELSEWHERE].flatMap(Object.keys).concat(FLOORS.flat())
  const gone = named.filter(path => !existsSync(join(TOP, path)))
  allow(gone.map(path => `${path}:1: is named in the rules and is not there; take it out of them`))
})

test('no test is left out or alone by mistake', () => {
  const wish = 'run all of them; a test that cannot run here skips with { skip: why }'
  const tests = SOURCES.filter(({ path }) => path.startsWith('test/'))
  allow(tests.flatMap(source => places(source, /\b(test|describe|it)\.(only|todo)\b/g, wish)))
})
