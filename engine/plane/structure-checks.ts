import { readEndpointUrl } from '../config/address.ts'
import { isName } from '../config/safe-name.ts'
import type { NewEndpoint } from '../memory/edit.ts'
import type { BreakerText, LimitsText, ServiceText, SubsettingText } from '../memory/service-text.ts'
import type { PolicyOption } from '../policies/policy-options.ts'
import { findPolicy } from '../policies/registry.ts'
import { type Check, type Checks, fields, isPlain, number, oneOf, text, valuesOf, whole } from './fields.ts'

const NUMBER_MAX = 0x7fffffff
const share = number(0, 1)
const count = whole(0, NUMBER_MAX)
const name = text(1, 64)

/** Which fields there are is told by the types: a new one that is not checked here does not compile. */
type Needed<T> = { readonly [K in keyof T as undefined extends T[K] ? never : K]-?: Check }
type Perhaps<T> = { readonly [K in keyof T as undefined extends T[K] ? K : never]-?: Check }

function checked<T>(needed: Needed<T>, perhaps: Perhaps<T>): Check {
  return fields(needed as Checks, perhaps as Checks)
}

const limits = checked<LimitsText>(
  { requests: count, connections: count, retries: count, endpointRequests: count },
  { pending: count },
)

const breaker = checked<BreakerText>(
  {
    consecutiveFailures: count,
    errorRate: share,
    errorRateVolume: count,
    windowMs: count,
    openForMs: count,
    maxOpenForMs: count,
    probes: whole(1, NUMBER_MAX),
  },
  {},
)

const locality = checked<NonNullable<ServiceText['locality']>>(
  { mode: oneOf('zone-aware', 'weighted'), zone: text(0, 64), minEndpoints: count },
  { nodes: valuesOf(count), weights: valuesOf(count) },
)

const file = text(1, 4096)
const upstream = checked<NonNullable<ServiceText['upstream']>>(
  {},
  {
    isHttp2: oneOf(true, false),
    tls: checked<NonNullable<NonNullable<ServiceText['upstream']>['tls']>>(
      { verify: oneOf(true, false), minVersion: oneOf('TLSv1.2', 'TLSv1.3') },
      { ca: file, cert: file, key: file, serverName: text(1, 253) },
    ),
  },
)

const service = checked<Omit<ServiceText, 'isGone'>>(
  { name, policy, panicThreshold: share },
  {
    failOnPanic: oneOf(true, false),
    overprovisioning: whole(100, 10_000),
    locality,
    limits,
    breaker,
    isAdaptive: oneOf(true, false),
    hearsLoad: oneOf(true, false),
    retryBudget: checked<NonNullable<ServiceText['retryBudget']>>({ share, min: count }, {}),
    subsetting: checked<SubsettingText>({ size: whole(1, NUMBER_MAX), node: text(0, 64) }, {}),
    upstream,
  },
)

/** A policy that is there, with options that it has. What keys are made of (`hash`) is for who hashes, and stays as it is. */
function policy(value: unknown, path: string): string | undefined {
  if (!isPlain(value) || typeof value.name !== 'string') return `${path}.name is missing; there are no defaults here`
  const found = findPolicy(value.name)
  if (found === undefined) return `${path}.name is ${JSON.stringify(value.name.slice(0, 100))}, which is no policy`
  const options = Object.fromEntries(Object.entries(found.options).map(([option, rule]) => [option, optionCheck(rule)]))
  return fields({ name: text(1, 64) }, { ...options, hash: valuesOf(() => undefined) })(value, path)
}

function optionCheck(option: PolicyOption): Check {
  switch (option.kind) {
    case 'word':
      return oneOf(...option.words)
    case 'whole':
      return whole(option.min, option.max)
    case 'number':
      return number(option.min, option.max)
    case 'share':
      return share
    case 'duration':
      return count
    case 'token':
      return text(1, 256)
  }
}

const endpoint = checked<NewEndpoint>(
  {
    id: safeName(128),
    url: originUrl,
    zone: (value, path) => (value === '' ? undefined : safeName(64)(value, path)),
    metadata: valuesOf(text(0, 65_536)),
    weight: number(0, 65_535),
    priority: whole(0, 127),
  },
  { cost: number(0, 1e9), capacity: whole(1, 1e6) },
)

/** What is wrong with a service; undefined: nothing. */
export function serviceFault(value: unknown): string | undefined {
  return service(value, '')
}

/** What is wrong with an endpoint; undefined: nothing. What a config may not say of one, nobody else may either. */
export function endpointFault(value: unknown): string | undefined {
  return endpoint(value, '')
}

function safeName(longest: number): Check {
  return (value, path) =>
    text(1, longest)(value, path) ??
    (isName(value as string, longest)
      ? undefined
      : `${path} is ${JSON.stringify(value)}; it must be of letters, digits and ._:-`)
}

/** The url as requests are sent to it: its origin, spelled as the url standard does. */
function originUrl(value: unknown, path: string): string | undefined {
  const found = text(1, 2048)(value, path)
  if (found !== undefined) return found
  const read = readEndpointUrl(value as string)
  return 'fault' in read ? `${path} ${read.fault.replace(/^(?!carries|is )/, 'is wrong: ')}` : undefined
}
