import { z } from 'zod'
import { flag, textLeaf, whole } from './leaf.ts'
import { choice, keys, readHealthPath } from './names.ts'
import { duration } from './units.ts'

/** Longest text that is looked for in a body, in characters. */
const BODY_TEXT_LENGTH = 1_024
/** Longest name of a gRPC service, in characters: package and all. */
const GRPC_SERVICE_LENGTH = 256

const path = () =>
  textLeaf({ what: 'a path', wish: 'write a path such as /healthz', pattern: '^/', read: readHealthPath })

const expectSchema = keys({
  statuses: z
    .array(whole(100, 599))
    .min(1, { error: 'names no status; write at least one, or leave it out for 2xx' })
    .optional()
    .describe('Statuses that pass. Default absent: 2xx.'),
  body: textLeaf<string>({
    what: 'a text',
    wish: `write a text of 1 to ${BODY_TEXT_LENGTH} characters`,
    read: text =>
      text.length > 0 && text.length <= BODY_TEXT_LENGTH
        ? { value: text }
        : { fault: `is ${text.length} characters long; write a text of 1 to ${BODY_TEXT_LENGTH} characters` },
  })
    .optional()
    .describe('What the body must have in it, within its first 16KiB. Default absent: the body says nothing.'),
})

const comprehensiveSchema = keys({
  interval: duration({ min: '1s' })
    .prefault('5m')
    .describe(
      'Time between two comprehensive checks of an endpoint, 1s or more; a quarter of it after one that was not healthy. Default 5m.',
    ),
  timeout: duration({ min: '1ms' }).prefault('30s').describe('Time for each of its parts, 1ms or more. Default 30s.'),
})

const predictiveSchema = keys({
  interval: duration({ min: '1s' })
    .prefault('10m')
    .describe('Time after which the predictor is asked again what it expects of an endpoint, 1s or more. Default 10m.'),
  timeout: duration({ min: '1ms' }).prefault('60s').describe('Time for its answer, 1ms or more. Default 60s.'),
})

const deepSchema = keys({
  timeout: duration({ min: '1ms' }).prefault('60s').describe('Time for each of its parts, 1ms or more. Default 60s.'),
  path: path()
    .optional()
    .describe('Path of a request as others make it, asked with GET; below 400 passes. Default absent: none is made.'),
})

/** Active checks of the endpoints of a service. */
export const healthCheckSchema = keys({
  type: choice('a type of check', ['http', 'tcp', 'tls', 'grpc'])
    .prefault('http')
    .describe(
      'How endpoints are asked: http, tcp (it takes a connection), tls (and shakes hands), or grpc (grpc.health.v1.Health over HTTP/2). Default http.',
    ),
  path: path()
    .prefault('/healthz')
    .describe(
      'Path that is asked with GET; a 2xx answer is healthy, or degraded if it has the header x-envoy-degraded. Default /healthz.',
    ),
  grpcService: textLeaf<string>({
    what: 'the name of a gRPC service',
    wish: 'write a name such as helloworld.Greeter',
    read: text =>
      /^[\w.]*$/.test(text) && text.length <= GRPC_SERVICE_LENGTH
        ? { value: text }
        : { fault: 'is not the name of a gRPC service; write a name such as helloworld.Greeter' },
  })
    .optional()
    .describe('With type grpc: the service that is asked about. Default absent: the endpoint as a whole.'),
  expect: expectSchema.optional().describe('With type http: what passes. Default absent: any 2xx.'),
  interval: duration({ min: '10ms' })
    .prefault('1s')
    .describe(
      'Time between two checks of an endpoint, 10ms or more; of one that is out a quarter of it, but 250ms at least. Default 1s.',
    ),
  adaptiveInterval: flag()
    .prefault(false)
    .describe(
      'Whether endpoints that have passed for long are checked two, then four times less often, and those that are suspect four times as often, but every 250ms at most. Default false.',
    ),
  timeout: duration({ min: '1ms' })
    .prefault('500ms')
    .describe('Time for an answer, 1ms or more; later counts as failed. Default 500ms.'),
  unhealthyAfter: whole(1, 1000)
    .prefault(2)
    .describe('Failed checks in a row that make an endpoint unhealthy. Default 2.'),
  healthyAfter: whole(1, 1000).prefault(2).describe('Passed checks in a row that make it healthy again. Default 2.'),
  comprehensive: comprehensiveSchema
    .optional()
    .describe(
      'Looks at each endpoint from six sides now and then: connection, application, resources, network, availability, security; {} takes the defaults. Default absent: only when asked.',
    ),
  predictive: predictiveSchema
    .optional()
    .describe(
      'Asks the predictor now and then what it expects of each endpoint; {} takes the defaults. Default absent: only when asked.',
    ),
  deep: deepSchema
    .optional()
    .describe('What a deep check does, which is made only when asked. Default absent: as each key says.'),
})
