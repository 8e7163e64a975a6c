import { z } from 'zod'
import { CLASS_NAMES } from '../memory/classes.ts'
import { askedFieldName, fieldEdits, fields, fieldValue } from './fields.ts'
import { leaf, spellings, textLeaf, whole } from './leaf.ts'
import { choice, keys, NAME_LENGTH, name } from './names.ts'
import {
  readAuthority,
  readExactPath,
  readMethod,
  readNewHost,
  readNewPath,
  readPathPattern,
  readRouteHost,
  readRoutePath,
} from './route-texts.ts'
import { subsetSchema } from './safety-schema.ts'
import { ratio } from './units.ts'
import { kindOf, show } from './wording.ts'

/**
 * A route: which requests it takes, and the one place it leads to. What is sent on goes to a service or is split over
 * several; what is not is answered here, with a redirect or a text.
 */

/** Longest body of an answer that stands in the config, in bytes. */
const BODY_BYTES = 64 * 1024

const serviceName = () => name('a service name', NAME_LENGTH)

const hostSchema = () => textLeaf({ what: 'a host', wish: 'write a host name', read: readNewHost })
const newPath = () => textLeaf({ what: 'a path', wish: 'write a path such as /v2/', pattern: '^/', read: readNewPath })

const method = () => textLeaf<string>({ what: 'a method', wish: 'write a method such as GET', read: readMethod })

/** One or several are written, the program reads a list. */
const methods = z
  .union([method().transform(one => [one]), z.array(method()).min(1)], {
    error: issue => `${kindOf(issue.input)} is not a method; write a method or a list of them`,
  })
  .register(spellings, {})

/** What a field of a request must be: this text, there, not there, or begin like this. */
export type FieldMatch = string | boolean | { prefix: string }

const fieldText = fieldValue()

const fieldMatch = z
  .union(
    [
      leaf<string | boolean, string | boolean>({
        what: 'what a header must be',
        wish: 'write its text, true, false or { prefix }',
        json: { type: ['string', 'boolean'] },
        read: written => {
          if (typeof written === 'boolean') return { value: written }
          if (typeof written === 'number') return { fault: `${written} is a number here; put it in quotes` }
          const text = fieldText.safeParse(written)
          return text.success ? { value: text.data } : { fault: text.error.issues[0].message }
        },
      }),
      keys({
        prefix: fieldValue().describe('What the value begins with. Required.'),
      }),
    ],
    {
      error: issue => `${kindOf(issue.input)} is not what a header must be; write its text, true, false or { prefix }`,
    },
  )
  .register(spellings, {}) as unknown as z.ZodType<FieldMatch, FieldMatch>

const PATHS = ['path', 'exactPath', 'pathPattern'] as const

export const matchSchema = keys({
  host: textLeaf({ what: 'a host', wish: 'write a host name such as api.example.com', read: readRouteHost })
    .optional()
    .describe(
      'Host of the request, without port; compared without regard to case. *.example.com takes every name below example.com, not that itself. Default: any.',
    ),
  path: textLeaf({ what: 'a path', wish: 'write a path such as /v1/', pattern: '^/', read: readRoutePath })
    .optional()
    .describe('What the path of the request begins with. Default: any.'),
  exactPath: textLeaf({ what: 'a path', wish: 'write a path such as /status', pattern: '^/', read: readExactPath })
    .optional()
    .describe('The whole path of the request. Default: any.'),
  pathPattern: textLeaf({
    what: 'a path pattern',
    wish: 'write a pattern such as /users/{id}',
    pattern: '^/',
    read: readPathPattern,
  })
    .optional()
    .describe(
      'Segments of the path: {name} takes one that is not empty, {name...} at the end takes the rest. Default: any.',
    ),
  scheme: choice('a scheme', ['http', 'https'])
    .optional()
    .describe('How the request came: https over TLS, or where a trusted proxy says so. Default: any.'),
  method: methods.optional().describe('Method of the request, or a list; GET takes HEAD too. Default: any.'),
  headers: z
    .record(askedFieldName(), fieldMatch)
    .optional()
    .describe(
      'What headers of the request must be, by name: a text they equal, true (there), false (not there), { prefix }. Several of one name count as one text, with ", " between. Default: any.',
    ),
}).superRefine((match, context) => {
  const written = PATHS.filter(key => match[key] !== undefined)
  if (written.length < 2) return
  const message = `stands beside ${written[0]}; write one of ${PATHS.join(', ')}`
  context.addIssue({ code: 'custom', message, path: [written[1]] })
})

const STATUSES = [301, 302, 303, 307, 308] as const

const redirectSchema = keys({
  status: leaf<number, number | string>({
    what: 'a status of a redirect',
    wish: `write one of ${STATUSES.join(', ')}`,
    json: { anyOf: [{ enum: [...STATUSES] }, { type: 'string', pattern: '^30[12378]$|\\$\\{' }] },
    read: written => {
      const found = STATUSES.find(status => String(status) === String(written))
      return found === undefined
        ? { fault: `${show(written)} is not a status of a redirect; write one of ${STATUSES.join(', ')}` }
        : { value: found }
    },
  })
    .prefault(308)
    .describe('301, 302, 303, 307 or 308; the last two keep method and body. Default 308.'),
  scheme: choice('a scheme', ['http', 'https']).optional().describe('http or https. Default: that of the request.'),
  host: hostSchema().optional().describe('Where to. Default: the host of the request.'),
  port: whole(1, 65_535)
    .optional()
    .describe('Where to. Default: that of the scheme, where scheme or host is written; else that of the request.'),
  path: newPath().optional().describe('The path. Default: that of the request.'),
  prefix: newPath()
    .optional()
    .describe('What takes the place of match.path; dot segments are resolved first. Default: nothing does.'),
}).superRefine((redirect, context) => {
  const { scheme, host, port, path, prefix } = redirect
  if (path !== undefined && prefix !== undefined) {
    context.addIssue({ code: 'custom', message: 'stands beside path; write one of both', path: ['prefix'] })
  } else if ([scheme, host, port, path, prefix].every(part => part === undefined)) {
    context.addIssue({ code: 'custom', message: 'leads nowhere else; write scheme, host, port, path or prefix' })
  }
})

const BODILESS = [204, 205, 304]

const respondSchema = keys({
  status: whole(200, 599).prefault(200).describe('Status of the answer, 200 to 599. Default 200.'),
  body: textLeaf<string>({
    what: 'a body',
    wish: 'write a text',
    read: text =>
      Buffer.byteLength(text) <= BODY_BYTES
        ? { value: text }
        : { fault: `is longer than ${BODY_BYTES / 1024}KiB; let a service answer that` },
  })
    .prefault('')
    .describe('The body, up to 64KiB. Default empty.'),
  contentType: fieldValue('a content type')
    .prefault('text/plain; charset=utf-8')
    .describe('Content-Type of the body, where there is one. Default text/plain; charset=utf-8.'),
  headers: fields({ 'content-type': 'write it as contentType', host: 'an answer has none' })
    .prefault({})
    .describe('Further headers, by name. Default none.'),
}).superRefine(({ status, body }, context) => {
  if (body === '' || !BODILESS.includes(status)) return
  context.addIssue({ code: 'custom', message: `an answer with ${status} has none; leave it out`, path: ['body'] })
})

const rewriteSchema = keys({
  path: newPath().optional().describe('The path that is sent. Default: as it came.'),
  prefix: newPath()
    .optional()
    .describe('What takes the place of match.path; dot segments are resolved first. Default: nothing does.'),
  host: textLeaf({ what: 'a host', wish: 'write a host name', read: readAuthority })
    .optional()
    .describe('The Host that is sent, with or without port. Default: as it came.'),
}).superRefine(({ path, prefix, host }, context) => {
  if (path !== undefined && prefix !== undefined) {
    context.addIssue({ code: 'custom', message: 'stands beside path; write one of both', path: ['prefix'] })
  } else if (path === undefined && prefix === undefined && host === undefined) {
    context.addIssue({ code: 'custom', message: 'changes nothing; write path, prefix or host' })
  }
})

const mirrorSchema = keys({
  service: serviceName().describe('The service that gets copies. Required.'),
  share: ratio().prefault('100%').describe('Share of the requests that is copied. Default 100%.'),
})

const splitSchema = z
  .record(serviceName(), whole(0, 1_000_000))
  .refine(sides => Object.values(sides).some(weight => weight > 0), {
    error: 'has no weight above 0; write services with their weights, as in { api: 95, canary: 5 }',
  })

const writtenRoute = keys({
  name: name('a route name', NAME_LENGTH)
    .optional()
    .describe(
      'What the access log calls the route; letters, digits and ._:- up to 64. Several may have one name. Default: none, and the log does not tell the route.',
    ),
  match: matchSchema.prefault({}).describe('Which requests the route takes. Default: all.'),
  service: serviceName()
    .optional()
    .describe('The service that answers. Default: split, redirect or respond, one of which there must be then.'),
  split: splitSchema
    .optional()
    .describe(
      'Services that answer, each with its weight, a whole number. By the key of a request where the first service has keys, so that one stays on its side; else by dice. Default: service.',
    ),
  redirect: redirectSchema
    .optional()
    .describe('Sends the downstream elsewhere. The query is kept. Default: no redirect.'),
  respond: respondSchema.optional().describe('An answer of the proxy itself. Default: no such answer.'),
  subset: subsetSchema.describe('Metadata that endpoints must have to answer here. Default: any endpoint.'),
  subsetFallback: choice('a fallback', ['none', 'any'])
    .optional()
    .describe('Who answers where no endpoint has the metadata: none, or any of the service. Default: none.'),
  class: choice('a class', CLASS_NAMES)
    .optional()
    .describe(
      'How dear the requests are: sheddable ones are turned away first when there is too much. Default: critical.',
    ),
  rewrite: rewriteSchema
    .optional()
    .describe('What is sent in the place of path and host; the query is kept. Default: as it came.'),
  requestHeaders: fieldEdits({ host: 'write it as rewrite.host' })
    .optional()
    .describe('Changes to the headers that are sent. Default: none.'),
  responseHeaders: fieldEdits({ host: 'an answer has none' })
    .optional()
    .describe(
      'Changes to the headers of the answer of a service; one that goes on in another protocol (101) is passed on as it is. Default: none.',
    ),
  mirror: mirrorSchema
    .optional()
    .describe(
      'Sends copies of requests without a body to another service, whose answers are thrown away. Default: no copies.',
    ),
})

const DESTINATIONS = ['service', 'split', 'redirect', 'respond'] as const

/** What makes no sense where nothing is sent on. */
const FORWARDING = [
  ...(['subset', 'subsetFallback', 'class', 'rewrite', 'requestHeaders', 'responseHeaders', 'mirror'] as const),
]

type WrittenRoute = z.output<typeof writtenRoute>
type Answers = 'redirect' | 'respond'

/** A route whose requests are sent on. */
export interface ForwardingRoute extends Omit<WrittenRoute, Answers | 'class' | 'subsetFallback'> {
  class: (typeof CLASS_NAMES)[number]
  subsetFallback: 'none' | 'any'
  redirect?: undefined
  respond?: undefined
}

/** A route whose requests the proxy answers itself. */
export interface AnsweringRoute extends Pick<WrittenRoute, 'name' | 'match' | Answers> {
  service?: undefined
  split?: undefined
  mirror?: undefined
}

export const routeSchema = writtenRoute
  .superRefine((route, context) => {
    const fault = (message: string, ...path: string[]) => context.addIssue({ code: 'custom', message, path })
    const written = DESTINATIONS.filter(key => route[key] !== undefined)
    if (written.length === 0) return fault(`leads nowhere; write one of ${DESTINATIONS.join(', ')}`)
    if (written.length > 1) {
      return fault(`stands beside ${written[0]}; write one of ${DESTINATIONS.join(', ')}`, written[1])
    }
    const [to] = written
    if (to === 'redirect' || to === 'respond') {
      for (const key of FORWARDING) {
        if (route[key] !== undefined) fault(`goes with service or split, and this is a ${to}; leave it out`, key)
      }
    }
    const changed = route.rewrite?.prefix !== undefined ? 'rewrite' : 'redirect'
    const message = prefixFault(route.match.path, route[changed]?.prefix)
    if (message !== undefined) fault(message, changed, 'prefix')
  })
  .transform((route): ForwardingRoute | AnsweringRoute => {
    const { redirect, respond, ...rest } = route
    const taking = { ...(route.name !== undefined && { name: route.name }), match: route.match }
    if (redirect !== undefined) return { ...taking, redirect }
    if (respond !== undefined) return { ...taking, respond }
    return { ...rest, subsetFallback: route.subsetFallback ?? 'none', class: route.class ?? 'critical' }
  })

/** Why a prefix cannot take the place of match.path. */
function prefixFault(path: string | undefined, prefix: string | undefined): string | undefined {
  if (prefix === undefined) return undefined
  if (path === undefined) return 'takes the place of match.path, and there is none; write that, or path here'
  if (path.endsWith('/') === prefix.endsWith('/')) return undefined
  const joined = path.endsWith('/') ? `${path}x would become ${prefix}x` : `${path}/x would become ${prefix}/x`
  return `ends otherwise than match.path, ${show(path)}, so ${joined}; end both with a slash, or none`
}
