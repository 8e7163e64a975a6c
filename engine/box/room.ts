import type { Finding } from '../config/problems.ts'
import type { Config, EndpointConfig, ServiceConfig } from '../config/schema.ts'
import { SignalboxError } from '../errors.ts'
import { endpointTextOf } from '../memory/endpoint-table.ts'
import { type Capacity, CHOICE_BYTES_LIMIT, type Layout } from '../memory/layout.ts'
import { findPolicy } from '../policies/registry.ts'
import { choiceBytesFor } from './choice-room.ts'

/**
 * Room for 100,000 sessions at a time, 4 MiB. Sets of eight fill unevenly: with three on average one session in 500 finds
 * no room in its set (the tail of a Poisson distribution), with six, in half the memory, one in 18.
 */
const SESSIONS_ROOM = 1 << 18

/** Room for the endpoints of the config twice over, its services, its longest endpoint text, sessions where they are kept, and choice tables. */
export function roomFor(config: Config, wantedRows?: number): Partial<Capacity> {
  const services = Object.values(config.services)
  const endpoints = services.flatMap(service => service.endpoints)
  const longest = endpoints.reduce((most, endpoint) => Math.max(most, textBytesOf(endpoint)), 0)
  const rows = powerOfTwo(1024, endpoints.length * 2, 65_536)
  return {
    rows,
    services: powerOfTwo(32, services.length, 1024),
    textBytes: powerOfTwo(512, longest + 4, 65_536),
    affinity: services.some(keepsSessions) ? SESSIONS_ROOM : 0,
    choices: choiceBytesFor(config, Math.min(wantedRows ?? rows, 65_536)),
  }
}

/**
 * Room for a process that runs for months and reads its config anew while it does: for what `roomFor` says, and for what a
 * later config may ask for in its place. What is not used costs address space, not memory.
 */
export function roomToGrow(config: Config): Partial<Capacity> {
  const now = roomFor(config)
  const rows = Math.max(4096, now.rows ?? 0)
  return {
    rows,
    services: Math.max(256, now.services ?? 0),
    textBytes: Math.max(2048, now.textBytes ?? 0),
    affinity: SESSIONS_ROOM,
    choices: Math.min(CHOICE_BYTES_LIMIT, Math.max(CHOICES_TO_GROW, 2 * choiceBytesFor(config, rows))),
  }
}

/** Tables of maglev's usual size for some hundred services, in bytes. */
const CHOICES_TO_GROW = 64 * 2 ** 20

/**
 * What a config asks for that a region laid out for an earlier one has no room for. Whether rows are free at this very moment
 * is found out by the edit that takes them.
 */
export function roomFaults(now: Config, next: Config, layout: Layout): Finding[] {
  const findings: Finding[] = []
  const services = Object.entries(next.services)
  const refuse = (path: Finding['path'], state: string): void =>
    void findings.push({ path, message: `${state}; ${WISH}` })
  if (services.length > layout.services) {
    refuse(['services'], `there is room for ${layout.services} services, and these are ${services.length}`)
  }
  const endpoints = services.reduce((sum, [, service]) => sum + service.endpoints.length, 0)
  if (endpoints > layout.rows) {
    refuse(['services'], `there is room for ${layout.rows} endpoints, and these are ${endpoints}`)
  }
  for (const [name, service] of services) {
    service.endpoints.forEach((endpoint, index) => {
      const bytes = textBytesOf(endpoint)
      if (bytes <= layout.textBytes - 4) return
      const path = ['services', name, 'endpoints', index]
      refuse(path, `there is room for ${layout.textBytes - 4} bytes of text, and these are ${bytes}`)
    })
    if (keepsSessions(service) && layout.affinity === 0) {
      refuse(['services', name, 'policy'], 'it keeps sessions, and there is no room for any')
    }
  }
  const bytes = choiceBytesFor(next, layout.rows)
  // Where less room was given than the config before asked for, somebody chose to do without tables.
  if (bytes > Math.max(layout.choices, choiceBytesFor(now, layout.rows))) {
    refuse(['services'], `there is room for ${layout.choices} bytes of choice tables, and these policies take ${bytes}`)
  }
  return findings
}

/** Shared memory that threads have mapped does not move. */
const WISH = 'restart to get more, the shared memory is laid out once'

/** Bytes of an endpoint's text in the tables. */
function textBytesOf(endpoint: EndpointConfig): number {
  return Buffer.byteLength(JSON.stringify(endpointTextOf(endpoint)))
}

/** A sticky service without room for sessions would forget each at once, and nobody would know. */
export function checkSessionRoom(config: Config, room: number): void {
  const sticky = Object.entries(config.services).find(([, service]) => keepsSessions(service))
  if (sticky === undefined || room > 0) return
  throw new SignalboxError(
    'SBX_REGION_FULL',
    `Cannot create box: service ${sticky[0]} keeps sessions and capacity.affinity is 0, leave it out or use 64 or more`,
  )
}

function keepsSessions({ policy }: ServiceConfig): boolean {
  return findPolicy(policy.name)?.keepsSessions === true
}

function powerOfTwo(least: number, wanted: number, most: number): number {
  return Math.min(most, Math.max(least, 2 ** Math.ceil(Math.log2(Math.max(wanted, 1)))))
}
