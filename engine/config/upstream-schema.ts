import { isIP } from 'node:net'
import type { z } from 'zod'
import { isHostName } from './address.ts'
import { flag, type Reading, textLeaf, whole } from './leaf.ts'
import { choice, keys } from './names.ts'
import { duration } from './units.ts'
import { show } from './wording.ts'

/** How connections to the endpoints of a service are made and kept. */

const file = () =>
  textLeaf({
    what: 'a file',
    wish: 'write the path of a PEM file',
    read: text =>
      text === '' || text.includes('\0') ? { fault: 'is empty; write the path of a PEM file' } : { value: text },
  })

/** The name for SNI and the name check. */
function readServerName(text: string): Reading<string> {
  if (isIP(text) !== 0) {
    return { fault: `${show(text)} is an address; write a host name, or leave it out where the url has that address` }
  }
  if (isHostName(text)) return { value: text.toLowerCase() }
  return { fault: `${show(text)} is not a host name; write one such as api.internal` }
}

export const upstreamTlsSchema = keys({
  ca: file()
    .optional()
    .describe(
      'PEM file of the authorities that are believed, instead of those Node brings along. Default: those of Node.',
    ),
  cert: file().optional().describe('PEM file of the certificate shown to endpoints that ask. Default none.'),
  key: file().optional().describe('PEM file of the key of cert, without a passphrase; with cert alone. Default none.'),
  serverName: textLeaf({ what: 'a host name', wish: 'write one such as api.internal', read: readServerName })
    .optional()
    .describe('Name for SNI and for the check of the certificate. Default: the host of the endpoint url.'),
  verify: flag()
    .prefault(true)
    .describe('Whether the certificate of an endpoint must be good. False: anybody may pose as it. Default true.'),
  minVersion: choice('a TLS version', ['TLSv1.2', 'TLSv1.3'])
    .prefault('TLSv1.2')
    .describe('The oldest version of TLS that is spoken: TLSv1.2 or TLSv1.3. Default TLSv1.2.'),
})

export const protocolSchema = choice('a protocol', ['http1', 'http2'])

export const connectionsSchema = keys({
  keepAlive: duration({ min: '10ms' })
    .prefault('4s')
    .describe(
      'How long an idle connection is kept, 10ms or more; it should be less than the endpoint keeps it. Where the endpoint says how long that is (Keep-Alive: timeout), at most 2s less than it says. Default 4s.',
    ),
  maxAge: duration()
    .prefault('0s')
    .describe(
      'Age beyond which a connection takes no further request, spread by up to a fifth less. 0s: none. Default 0s.',
    ),
  warm: whole(0, 1000)
    .prefault(0)
    .describe(
      'Connections each thread opens to an endpoint before they are needed, and keeps, 0 to 1000; they count in limits.connections. Default 0.',
    ),
  maxIdle: whole(0, 100_000)
    .prefault(0)
    .describe('Idle HTTP/1.1 connections each thread keeps to an endpoint. 0: no limit. Default 0.'),
})

/** Files are paths. */
export type UpstreamTlsConfig = z.output<typeof upstreamTlsSchema>
export type UpstreamProtocol = z.output<typeof protocolSchema>
/** Durations in ms. */
export type ConnectionsConfig = z.output<typeof connectionsSchema>
