import type { IncomingMessage } from 'node:http'
import type { NotTold, RunningControl, Told } from '../box/control.ts'
import type { ErrorCode } from '../errors.ts'
import { Refusal, sendJson } from './answer.ts'
import { refuseOtherKeys } from './changes.ts'
import { readBody, readJsonBody } from './json-body.ts'
import type { Route } from './routes.ts'
import type { SignalFeed } from './signal-feed.ts'
import type { Sources } from './snapshot.ts'

const REFUSALS: Readonly<Record<NotTold, { status: number; code: ErrorCode }>> = {
  format: { status: 415, code: 'SBX_SIGNAL_INVALID' },
  invalid: { status: 400, code: 'SBX_SIGNAL_INVALID' },
  unknown: { status: 404, code: 'SBX_SIGNAL_UNKNOWN' },
  silent: { status: 503, code: 'SBX_AGENT_SILENT' },
  full: { status: 429, code: 'SBX_SIGNAL_REFUSED' },
}

/** What may be otherwise in a moment. */
const BUSY: ReadonlySet<NotTold> = new Set(['silent', 'full'])

/** What people and programs hear of the agents' signals, and tell them. */
export function signalRoutes({ box }: Pick<Sources, 'box'>, feed: SignalFeed): Route[] {
  return [
    {
      method: 'GET',
      path: '/api/v1/signals',
      need: 'read',
      answer: (response, request) => feed.open(able(box.control, 'hear'), typesOf(request), request, response),
    },
    {
      method: 'POST',
      path: '/api/v1/signals',
      need: 'change',
      answer: async (response, request) => {
        const tell = able(box.control, 'tell')
        const told = await tell({ headers: request.headersDistinct, body: await readBody(request) })
        if (!told.isTaken) throw refusalOf(told)
        box.log('info', 'agents were told something by an operator', { ids: told.ids })
        sendJson(response, 202, { ids: told.ids })
      },
    },
    {
      method: 'GET',
      path: '/api/v1/dead-letters',
      need: 'read',
      answer: async response => sendJson(response, 200, { agents: await able(box.control, 'deadLetters')() }),
    },
    {
      method: 'POST',
      path: '/api/v1/dead-letters/redrive',
      need: 'change',
      answer: async (response, request) => {
        const body = (await readJsonBody(request)) ?? {}
        refuseOtherKeys(body, ['agent'], 'write {"agent": "health-monitor"}, or nothing for all')
        const { agent } = body
        if (agent !== undefined && typeof agent !== 'string') {
          throw new Refusal(400, 'SBX_ADMIN_INVALID', 'Cannot redrive: "agent" is not a string, write the name of one')
        }
        const redriven = await able(box.control, 'redrive')(agent)
        box.log('info', 'dead letters were given another try by an operator', { agent, redriven })
        sendJson(response, 200, { redriven })
      },
    },
  ]
}

const DEEDS = {
  hear: 'hear signals',
  tell: 'tell the agents',
  deadLetters: 'list dead letters',
  redrive: 'redrive',
} as const

/** What the control plane does by this name. Throws a Refusal (503) where there is none, or none that does it. */
function able<Name extends keyof typeof DEEDS>(
  control: RunningControl | undefined,
  name: Name,
): NonNullable<RunningControl[Name]> {
  const method = control?.[name]
  if (control !== undefined && method !== undefined) return method.bind(control) as NonNullable<RunningControl[Name]>
  const state = control === undefined ? 'no agents run' : 'its agents cannot do this'
  throw new Refusal(
    503,
    'SBX_CONTROL_ABSENT',
    `Cannot ${DEEDS[name]}: ${state} here, start signalbox with a control plane that can`,
  )
}

/** The patterns of `?type=`, as often as it is given. */
function typesOf({ url = '' }: IncomingMessage): string[] {
  return new URLSearchParams(url.split('?').slice(1).join('?')).getAll('type')
}

function refusalOf({ because, fault }: Exclude<Told, { isTaken: true }>): Refusal {
  const { status, code } = REFUSALS[because]
  const headers: Record<string, string> = BUSY.has(because) ? { 'retry-after': '1' } : {}
  return new Refusal(status, code, `Cannot tell the agents: ${fault}`, headers)
}
