import { availableParallelism } from 'node:os'
import { z } from 'zod'
import { OVERPROVISIONING } from '../memory/service-text.ts'
import { DEFAULT_POLICY } from '../policies/registry.ts'
import { defaultEndpointId, readCidr, readEndpointUrl } from './address.ts'
import { agentsSchema } from './agents-schema.ts'
import { discoverSchema } from './discover-schema.ts'
import { healthCheckSchema } from './health-check-schema.ts'
import { flag, number, textLeaf, whole } from './leaf.ts'
import { listenAddress, listenSchema } from './listen-schema.ts'
import { choice, keys, NAME_LENGTH, name, readToken } from './names.ts'
import { accessSchema, forwardedSchema, requestIdSchema } from './observe-schema.ts'
import { outlierSchema } from './outlier-schema.ts'
import { policySchema } from './policy-schema.ts'
import { routeSchema } from './route-schema.ts'
import { isName } from './safe-name.ts'
import { breakerSchema, localitySchema, retrySchema, serviceLimitsSchema, subsettingSchema } from './safety-schema.ts'
import { duration, ratio, size } from './units.ts'
import { connectionsSchema, protocolSchema, upstreamTlsSchema } from './upstream-schema.ts'
import { show } from './wording.ts'

/**
 * The config, once: what may be written, what it means, what is taken where nothing is written, and what the program
 * then reads. The types, the JSON Schema and the printed config all come from here.
 *
 * In the output every key keeps its name and every value is in a base unit: durations are milliseconds, sizes are bytes,
 * ratios are numbers from 0 to 1, addresses are `{ address, port }`.
 */

/** Longest endpoint id, in characters: long enough for host:port of most host names. */
const ENDPOINT_ID_LENGTH = 128

export const adminSchema = keys({
  listen: listenAddress()
    .prefault('127.0.0.1:9901')
    .describe('host:port of the admin listener. Without a host: 127.0.0.1. Default 127.0.0.1:9901.'),
  token: textLeaf({
    what: 'a token',
    wish: 'write a text of visible ASCII characters',
    read: readToken,
  })
    .prefault('')
    .describe(
      'What changes must carry as "Authorization: Bearer". Empty: changes from loopback alone. Required where admin.listen is not loopback. With 16 characters or more, by chance, it passes whatever wrong ones come from the same address. Default empty.',
    ),
})

const logSchema = keys({
  level: choice('a log level', ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
    .prefault('info')
    .describe('The least severe line that is logged. Default info.'),
  access: accessSchema
    .prefault(true)
    .describe(
      'Whether each request gets a line in the log, or { sample, slow, headers }: which do, and what it shows. Default true.',
    ),
})

const limitsSchema = keys({
  headerBytes: size({ min: '1KiB', max: '16MiB' })
    .prefault('32KiB')
    .describe('Bytes of all headers of a request, 1KiB to 16MiB; more is answered with 431. Default 32KiB.'),
  headers: whole(1, 10_000)
    .prefault(200)
    .describe('Number of headers of a request, 1 to 10000; more is answered with 431. Default 200.'),
  urlBytes: size({ min: '64B', max: '16MiB' })
    .prefault('16KiB')
    .describe('Bytes of the request target, 64B to 16MiB; more is answered with 414. Default 16KiB.'),
  bodyBytes: size().prefault(0).describe('Bytes of a request body; more is answered with 413. 0: no limit. Default 0.'),
  connections: whole(1, 1_000_000)
    .prefault(10_000)
    .describe('Downstream connections of the whole process, 1 to 1000000. Default 10000.'),
  connectionsPerClient: whole(0, 1_000_000)
    .prefault(0)
    .describe(
      'Downstream connections of one source address to one proxy thread, 0 to 1000000; more are closed. Each thread counts its own, and trustedProxies are not counted. 0: no limit. Default 0.',
    ),
  requestsPerConnection: whole(0, 1_000_000_000)
    .prefault(0)
    .describe(
      'Requests on one downstream connection, 0 to 1000000000; the last is answered with Connection: close. 0: no limit. Default 0.',
    ),
  headerTimeout: duration()
    .prefault('10s')
    .describe('Time for a request to deliver its headers; later is answered with 408. 0s: none. Default 10s.'),
  bodyIdle: duration()
    .prefault('30s')
    .describe(
      'Longest pause between two pieces of a request body, also when the answer has begun; over protocol http2 only until then. 0s: none. Default 30s.',
    ),
  bodyRate: size({ max: '1GiB' })
    .prefault('240B')
    .describe(
      'Bytes per second that a request body must keep, more than 5s behind is answered with 408, or breaks off an answer that has begun; what came faster counts for a minute. As bodyIdle it ends with the answer of protocol http2. 0: none. Default 240B.',
    ),
  keepAliveIdle: duration()
    .prefault('60s')
    .describe('How long an idle downstream connection stays open. 0s: no limit. Default 60s.'),
})

const drainSchema = keys({
  delay: duration()
    .prefault('0s')
    .describe(
      'After SIGTERM: time in which it is no longer ready but still serves, and closes each connection after its response. Default 0s.',
    ),
  timeout: duration()
    .prefault('25s')
    .describe(
      'Time that what is in flight then has to finish. With delay it should be less than who sends SIGTERM waits. 0s: it is cut at once. Default 25s.',
    ),
})

/** Zones may be empty, so that `zone: "${ZONE:-}"` works on a machine that does not know its own. */
const zone = () => name('a zone', NAME_LENGTH, { mayBeEmpty: true }).prefault('')

const writtenEndpoint = keys({
  id: name('an endpoint id', ENDPOINT_ID_LENGTH)
    .optional()
    .describe('Unique in its service; letters, digits and ._:- up to 128. Default: host:port of the url.'),
  url: textLeaf({
    what: 'an endpoint url',
    wish: 'write http://host:port or https://host:port',
    pattern: '^https?://',
    read: readEndpointUrl,
  }).describe('http://host:port or https://host:port, without path, query and credentials. Required.'),
  weight: number({ min: 0, max: 65_535, whole: false })
    .prefault(1)
    .describe('Share of the traffic relative to the other endpoints, 0 to 65535; 0 takes none. Default 1.'),
  zone: zone().describe('Where the endpoint is; letters, digits and ._:- up to 64. Empty: unknown. Default empty.'),
  priority: whole(0, 127)
    .prefault(0)
    .describe('Endpoints of a higher number are used when those of the lower ones fail, 0 to 127. Default 0.'),
  metadata: z
    .record(
      textLeaf({ what: 'a metadata key', wish: 'write a text', read: value => ({ value }) }),
      textLeaf({ what: 'a text', wish: 'write a text', read: value => ({ value }) }),
    )
    .prefault({})
    .describe('Texts under names of your own, shown with the endpoint. Default none.'),
  cost: number({ min: 0, max: 1_000_000_000, whole: false })
    .optional()
    .describe('What an hour of all of its capacity costs, in any currency, 0 to 1000000000. Default: not known.'),
  capacity: whole(1, 1_000_000)
    .optional()
    .describe('Requests it can work on at a time, 1 to 1000000. Default: not known.'),
})

/** One address that can take a request. An endpoint without an id gets host:port of its url. */
export const endpointSchema = writtenEndpoint.transform((endpoint, context) => {
  const { id = defaultEndpointId(endpoint.url), ...withoutId } = endpoint
  if (isName(id, ENDPOINT_ID_LENGTH)) return { id, ...withoutId }
  context.issues.push({
    code: 'custom',
    message: `${show(id)} would be the id and is none; give the endpoint an id of its own`,
    input: endpoint,
    path: ['url'],
  })
  return z.NEVER
})

const timeoutsSchema = keys({
  connect: duration()
    .prefault('1s')
    .describe(
      'Time to connect to an endpoint, TLS included; one that ends just when the system sends the first packet again (1s, 3s, 7s) is 250ms longer. 0s: none. Default 1s.',
    ),
  firstByte: duration()
    .prefault('15s')
    .describe('Time from the sent request to the first byte of the response. 0s: none. Default 15s.'),
  idle: duration().prefault('60s').describe('Longest pause between two pieces of a response. 0s: none. Default 60s.'),
  upgradeIdle: duration()
    .prefault('5m')
    .describe(
      'How long nothing may be said on a connection that was upgraded (a WebSocket). 0s: any time. Default 5m.',
    ),
  request: duration().prefault('0s').describe('Time for the whole request, retries included. 0s: none. Default 0s.'),
})

const slowStartSchema = keys({
  window: duration()
    .prefault('0s')
    .describe('Time in which a newcomer grows to its full weight. 0s: at once. Default 0s.'),
  aggression: number({ min: 0.01, max: 100, whole: false })
    .prefault(1)
    .describe('Shape of the growth: 1 is linear, above 1 faster at first. 0.01 to 100. Default 1.'),
  minWeight: ratio().prefault('10%').describe('Share of its weight a newcomer starts with. Default 10%.'),
})

export const adaptiveConcurrencySchema = keys({
  initial: whole(1, 100_000)
    .prefault(20)
    .describe('Requests in flight an endpoint may have at first, from min to max. Default 20.'),
  min: whole(1, 100_000).prefault(3).describe('It may always have so many. Default 3.'),
  max: whole(1, 100_000).prefault(200).describe('It may never have more. Default 200.'),
  queue: whole(0, 100_000)
    .prefault(4)
    .describe('By how much the limit may grow in a window while latency stays low; what may queue. Default 4.'),
  tolerance: number({ min: 1, max: 100, whole: false })
    .prefault(1.5)
    .describe('How many times its long average latency may be before the limit shrinks. Default 1.5.'),
  smoothing: ratio().prefault('20%').describe('Share of a new limit that is taken over in a window. Default 20%.'),
  longWindow: whole(1, 100_000)
    .prefault(600)
    .describe('Windows of 100ms or more that the long average of the latency remembers. Default 600.'),
})

/** A named group of interchangeable endpoints. */
export const serviceSchema = keys({
  policy: policySchema
    .prefault(DEFAULT_POLICY)
    .describe(`How an endpoint is picked: the name of a policy, or { name, ...options }. Default ${DEFAULT_POLICY}.`),
  endpoints: z
    .array(endpointSchema)
    .prefault([])
    .describe('The endpoints the service starts with; others may be added while it runs. Default none.'),
  discover: discoverSchema
    .prefault([])
    .describe('Where more endpoints are found, by node-discovery among the agents. Default none.'),
  healthCheck: healthCheckSchema
    .optional()
    .describe('Active checks of every endpoint. Absent: health is judged by the traffic alone. Default absent.'),
  timeouts: timeoutsSchema
    .prefault({})
    .describe('How long the upstream side may take. Durations. Default: see each key.'),
  tls: upstreamTlsSchema.optional().describe('TLS to endpoints with an https url. Default absent: as each key says.'),
  protocol: protocolSchema
    .prefault('http1')
    .describe(
      'What endpoints are spoken to with: http1 (HTTP/1.1), or http2 (with TLS by ALPN, without by prior knowledge; what gRPC needs). Default http1.',
    ),
  capacity: keys({
    header: flag()
      .prefault(false)
      .describe(
        'Whether endpoints tell how loaded they are in the header endpoint-load-metrics of their answers (ORCA, TEXT or JSON): shares of CPU and memory, and as named_metrics.inflight how many requests they have, whoever sent them. Default false.',
      ),
  })
    .prefault({})
    .describe('How it is known how loaded its endpoints are. Default: see each key.'),
  connections: connectionsSchema.prefault({}).describe('Connections to endpoints. Default: see each key.'),
  retry: retrySchema.prefault({}).describe('Second tries. Default: see each key.'),
  outlier: outlierSchema.prefault({}).describe('Passive removal of endpoints that fail. Default: see each key.'),
  slowStart: slowStartSchema
    .prefault({})
    .describe(
      'Easing in an endpoint that joins others, recovers, or returns from an ejection or a panic. Default: see each key.',
    ),
  adaptiveConcurrency: adaptiveConcurrencySchema
    .optional()
    .describe(
      'A limit of requests in flight for each endpoint that follows its latency; {} takes the defaults. Default absent: no limit.',
    ),
  panicThreshold: ratio()
    .prefault('50%')
    .describe('When the healthy share falls below this, health is ignored and all endpoints are used. Default 50%.'),
  failOnPanic: flag()
    .prefault(false)
    .describe('Whether requests are answered with 503 in panic, instead of going to any endpoint. Default false.'),
  overprovisioning: whole(100, 10_000)
    .prefault(OVERPROVISIONING)
    .describe(
      'How many endpoints of a priority there are for those that are needed, in percent: below 100 ÷ this of them healthy, load moves to the next priority. 100 to 10000. Default 140.',
    ),
  limits: serviceLimitsSchema
    .optional()
    .describe('How much of everything there may be at one moment. Default absent: no limits.'),
  breaker: breakerSchema
    .optional()
    .describe(
      'Leaves an endpoint alone whose requests fail, and tries it with one probe at a time. Default absent: off.',
    ),
  locality: localitySchema.optional().describe('How zones are told apart. Default absent: they are not.'),
  subsetting: subsettingSchema
    .optional()
    .describe('Keeps this node to some endpoints of a service that is too large for all. Default absent: all.'),
})

const writtenConfig = keys({
  listen: listenSchema
    .prefault('127.0.0.1:8080')
    .describe(
      'Where the proxy listens: host:port, { address, tls, proxyProtocol }, or a list of them. Without a host (":8080", 8080): 127.0.0.1. Default 127.0.0.1:8080.',
    ),
  workers: whole(1, 1024)
    .prefault(() => availableParallelism())
    .describe('Proxy threads, 1 to 1024. Default: the available parallelism of the machine.'),
  zone: zone().describe('Where this node is; letters, digits and ._:- up to 64. Empty: unknown. Default empty.'),
  admin: adminSchema.prefault({}).describe('The admin listener. Default: see each key.'),
  log: logSchema.prefault({}).describe('What is logged. Default: see each key.'),
  limits: limitsSchema.prefault({}).describe('What a downstream may ask of the proxy. Default: see each key.'),
  drain: drainSchema.prefault({}).describe('How the proxy ends. Default: see each key.'),
  trustedProxies: z
    .array(
      textLeaf({
        what: 'an address range',
        wish: 'write a CIDR such as 10.0.0.0/8',
        read: readCidr,
      }),
    )
    .prefault([])
    .describe(
      'Address ranges (CIDR) whose X-Forwarded-*, Forwarded and x-request-id headers are believed. Default none.',
    ),
  forwarded: forwardedSchema
    .prefault({})
    .describe('In which headers the upstream is told where a request came from. Default: see each key.'),
  requestId: requestIdSchema.prefault({}).describe('A name for each request. Default: see each key.'),
  trace: flag()
    .prefault(false)
    .describe(
      'Whether each request is a span of OpenTelemetry; needs the package @opentelemetry/api, and an SDK in the proxy threads. Default false.',
    ),
  services: z
    .record(name('a service name', NAME_LENGTH), serviceSchema, {
      error: issue => (issue.input === undefined ? 'missing; write at least one service' : undefined),
    })
    .refine(services => Object.keys(services).length > 0, { error: 'has no service; write at least one' })
    .describe('The services, by name; letters, digits and ._:- up to 64. At least one. Required.'),
  routes: z
    .array(routeSchema)
    .prefault([])
    .describe('Which request goes to which service; the first match wins. None: the only service takes everything.'),
  agents: agentsSchema
    .prefault({})
    .describe('How the agents run, and the knobs of each under its name. Default: all run.'),
})

/** The whole file. Where no route is written and there is one service, the output has the route that is meant. */
export const configSchema = writtenConfig.transform(config => {
  const names = Object.keys(config.services)
  const isOnly = config.routes.length === 0 && names.length === 1
  return isOnly ? { ...config, routes: [routeSchema.parse({ service: names[0] })] } : config
})

/** The config as the program reads it: every default filled in, durations in ms, sizes in bytes, ratios from 0 to 1. */
export type Config = z.output<typeof configSchema>
/** What a person may write: durations, sizes and ratios as text with a unit, everything but `services` optional. */
export type ConfigInput = z.input<typeof configSchema>
/** A service as the program reads it. Durations in ms, ratios from 0 to 1. */
export type ServiceConfig = z.output<typeof serviceSchema>
/** One address that can take a request, as the program reads it. The id is always there, the url is an origin. */
export type EndpointConfig = z.output<typeof endpointSchema>
export type { ListenAddress } from './address.ts'
export type { DiscoverConfig } from './discover-schema.ts'
export type { ListenConfig } from './listen-schema.ts'
export type { KeySource, PolicyConfig, PolicyInput } from './policy-schema.ts'
export type { TlsConfig } from './tls-schema.ts'
export type RouteConfig = Config['routes'][number]
export type RouteMatch = RouteConfig['match']
export type { AnsweringRoute, FieldMatch, ForwardingRoute } from './route-schema.ts'
export type AdminConfig = Config['admin']
export type LogConfig = Config['log']
export type { AccessConfig } from './observe-schema.ts'
/** Downstream limits: sizes in bytes, durations in ms; 0 is no limit where the key says so. */
export type LimitsConfig = Config['limits']
/** Active checks: durations in ms. */
export type HealthCheckConfig = NonNullable<ServiceConfig['healthCheck']>
/** Upstream timeouts in ms; 0 is none. */
export type TimeoutsConfig = ServiceConfig['timeouts']
export type RetryConfig = ServiceConfig['retry']
export type { ConnectionsConfig, UpstreamProtocol, UpstreamTlsConfig } from './upstream-schema.ts'
/** Passive removal: durations in ms; `maxEjected`, `ejectionJitter`, `failurePercentage`, `latencyQuantile` from 0 to 1. */
export type OutlierConfig = ServiceConfig['outlier']
/** A limit for each endpoint that follows its latency: `smoothing` from 0 to 1. */
export type AdaptiveConcurrencyConfig = NonNullable<ServiceConfig['adaptiveConcurrency']>
/** Slow start: `window` in ms, `minWeight` from 0 to 1. */
export type SlowStartConfig = ServiceConfig['slowStart']
export type AgentsConfig = Config['agents']
/** What a person may write for an endpoint; only `url` is required. */
export type EndpointInput = z.input<typeof endpointSchema>
export type ServiceInput = z.input<typeof serviceSchema>
