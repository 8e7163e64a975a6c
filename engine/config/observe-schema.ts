import { z } from 'zod'
import { flag, spellings, textLeaf } from './leaf.ts'
import { keys } from './names.ts'
import { duration, printDuration, printRatio, ratio } from './units.ts'
import { kindOf, show } from './wording.ts'

/** What a request tells about itself: to the log, to the upstream, in a trace. */

/** Fields that carry who somebody is or what opens a door. They are in no log. */
const SECRET = new Set(['authorization', 'cookie', 'proxy-authorization', 'set-cookie'])

const HEADERS_MAX = 32

const loggedHeader = () =>
  textLeaf<string>({
    what: 'a header to log',
    wish: 'write a header name such as user-agent',
    read: text => {
      const name = text.toLowerCase()
      if (!/^[a-z0-9!#$%&'*+.^_`|~-]{1,128}$/.test(name))
        return { fault: `${show(text)} is not a header name; write a name such as user-agent` }
      return SECRET.has(name)
        ? { fault: `${show(text)} carries secrets and is not logged; leave it out` }
        : { value: name }
    },
  })

const accessObject = keys({
  sample: ratio()
    .prefault('100%')
    .describe(
      'Share of the requests that get a line. Those answered with 5xx, broken off by the upstream or slow always get one. Default 100%.',
    ),
  slow: duration()
    .prefault('1s')
    .describe('A request that takes as long always gets a line. 0s: none is slow. Default 1s.'),
  headers: z
    .array(loggedHeader())
    .max(HEADERS_MAX, { error: `has more than ${HEADERS_MAX} names; write fewer` })
    .prefault([])
    .describe(
      'Request headers that a line shows, up to 256 characters of each; never authorization or cookies. Default none.',
    ),
})

/** How the access log is kept, where it is not simply on or off. `sample` from 0 to 1, `slow` in ms. */
export type AccessConfig = z.output<typeof accessObject>

/** `true` and `false` stay what they are; a map is read. */
export const accessSchema = z
  .union([flag(), accessObject], {
    error: issue => `${kindOf(issue.input)} is not true, false or a map; write true, or { sample: 10% }`,
  })
  .register(spellings, {
    print: (access: boolean | AccessConfig) =>
      typeof access === 'boolean'
        ? access
        : { ...access, sample: printRatio(access.sample), slow: printDuration(access.slow) },
  })

export const forwardedSchema = keys({
  x: flag().prefault(true).describe('Whether the upstream is told in X-Forwarded-For, -Proto and -Host. Default true.'),
  standard: flag().prefault(false).describe('Whether it is told in Forwarded (RFC 7239). Default false.'),
})

export const requestIdSchema = keys({
  enabled: flag()
    .prefault(true)
    .describe(
      'Whether each request has an x-request-id: the one a trusted proxy gave, or a new one; upstream and in the access log. Default true.',
    ),
  respond: flag().prefault(false).describe('Whether the response carries it too. Default false.'),
})
