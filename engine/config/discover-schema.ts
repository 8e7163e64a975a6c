import { isIP } from 'node:net'
import { z } from 'zod'
import { isHostName } from './address.ts'
import { number, textLeaf, whole } from './leaf.ts'
import { listenAddress } from './listen-schema.ts'
import { choice, keys, NAME_LENGTH, name } from './names.ts'
import { duration } from './units.ts'
import { show } from './wording.ts'

/** What names a source, one of which every entry has, and which agents are asked for each. */
const SOURCES = ['dns', 'file', 'directory', 'registry'] as const

/** Keys that mean something for names alone. */
const OF_DNS = ['type', 'port', 'server', 'refresh'] as const

const refreshSchema = keys({
  min: duration({ min: '100ms' })
    .prefault('1s')
    .describe('The least time from one look to the next, whatever the answer says; at least 100ms. Default 1s.'),
  max: duration({ min: '100ms' }).prefault('60s').describe('The most time; at least 100ms. Default 60s.'),
})

const path = (what: string) =>
  textLeaf<string>({
    what,
    wish: 'write a path',
    read: text =>
      text === '' || text.includes('\0') ? { fault: `${show(text)} is not a path; write one` } : { value: text },
  })

const written = keys({
  dns: textLeaf<string>({
    what: 'a name',
    wish: 'write a host name such as api.internal, or _http._tcp.api.internal',
    read: text =>
      isHostName(text) && isIP(text) === 0
        ? { value: text }
        : { fault: `${show(text)} is not a name that can be resolved; write one such as api.internal` },
  })
    .optional()
    .describe(
      'A name whose SRV or address records are the endpoints, asked for again when they expire. One that ends in .local is asked of the neighbours, by multicast DNS. Default absent.',
    ),
  file: path('a file')
    .optional()
    .describe(
      'A JSON file with a list of endpoints, read again when it changes. Relative to the folder of the config. Default absent.',
    ),
  directory: path('a folder')
    .optional()
    .describe(
      'A folder whose *.json files each have one endpoint or a list; read again when one changes. Default absent.',
    ),
  registry: name('a role', NAME_LENGTH)
    .optional()
    .describe(
      'A role in the registry of agents: who registers with it, and says its url, is an endpoint. Default absent.',
    ),
  type: choice('a type of records', ['srv', 'a'])
    .optional()
    .describe('Of dns: which records are asked for. Default: SRV, and where there are none, addresses.'),
  port: whole(1, 65_535)
    .optional()
    .describe('Of dns: the port of endpoints found by their address, 1 to 65535. Default: 80, or 443 with https.'),
  server: listenAddress()
    .optional()
    .describe(
      'Of dns: address and port of the name server that is asked; of .local names the group. Default: those of the system, or 224.0.0.251:5353.',
    ),
  refresh: refreshSchema.optional().describe('Of dns: how often it is asked. Default: see each key.'),
  scheme: choice('a scheme', ['http', 'https'])
    .prefault('http')
    .describe('What endpoints are spoken to with that do not say it: http or https. Default http.'),
  zone: name('a zone', NAME_LENGTH, { mayBeEmpty: true })
    .prefault('')
    .describe('Where endpoints are that do not say it. Empty: unknown. Default empty.'),
  weight: number({ min: 0, max: 65_535, whole: false })
    .prefault(1)
    .describe('Share of the traffic of endpoints that say none of their own, 0 to 65535. Default 1.'),
  priority: whole(0, 127)
    .prefault(0)
    .describe('Priority of endpoints that say none; of SRV records the first of theirs, 0 to 127. Default 0.'),
}).superRefine((entry, context) => {
  const named = SOURCES.filter(key => entry[key] !== undefined)
  if (named.length !== 1) {
    const message = `names ${named.length === 0 ? 'no source' : named.join(' and ')}; write one of ${SOURCES.join(', ')}`
    context.addIssue({ code: 'custom', message })
    return
  }
  if (entry.dns === undefined) {
    for (const key of OF_DNS) {
      if (entry[key] === undefined) continue
      context.addIssue({ code: 'custom', message: `is a key of dns; leave it out beside ${named[0]}`, path: [key] })
    }
  }
  const { refresh, server } = entry
  if (server !== undefined && isIP(server.address) === 0) {
    context.addIssue({ code: 'custom', message: 'is a name; write the address of a name server', path: ['server'] })
  }
  if (refresh !== undefined && refresh.min > refresh.max) {
    context.addIssue({ code: 'custom', message: 'is less than min; write min or more', path: ['refresh', 'max'] })
  }
})

/** Where endpoints of a service are found, besides those that are written down. */
export const discoverSchema = z.array(
  written.transform(entry =>
    entry.dns === undefined ? entry : { ...entry, refresh: entry.refresh ?? refreshSchema.parse({}) },
  ),
)

/** One source, as the program reads it: one of `dns`, `file`, `directory` and `registry` is there. Durations in ms. */
export type DiscoverConfig = z.output<typeof discoverSchema>[number]
