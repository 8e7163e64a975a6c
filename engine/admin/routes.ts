import type { IncomingMessage, ServerResponse } from 'node:http'
import type { RunningControl } from '../box/control.ts'
import type { ServiceReport } from '../router/report.ts'
import { reportText } from '../router/report-text.ts'
import { Refusal, sendJson, sendText } from './answer.ts'
import { ACTIONS, Changes, refuseOtherKeys, SWITCHES, type Target } from './changes.ts'
import { EXPOSITION_TYPE } from './exposition.ts'
import type { Need } from './gate.ts'
import { readJsonBody } from './json-body.ts'
import type { LiveFeed } from './live-feed.ts'
import { printMetrics } from './metrics.ts'
import { operationRoutes } from './operation-routes.ts'
import type { PageFile } from './page-files.ts'
import { readReadiness } from './readiness.ts'
import type { SignalFeed } from './signal-feed.ts'
import { signalRoutes } from './signal-routes.ts'
import { agentOf, agentsOf, configOf, type Sources, switchedOffIn } from './snapshot.ts'

/** One path of the admin listener and who may use it. A GET answers HEAD too. */
export interface Route {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Segments; one that begins with ':' takes anything. */
  path: string
  need: Need
  answer(response: ServerResponse, request: IncomingMessage, names: Record<string, string>): void | Promise<void>
}

/** Every path there is. */
export function listRoutes(
  sources: Sources,
  feed: LiveFeed,
  signals: SignalFeed,
  page: ReadonlyMap<string, PageFile>,
): Route[] {
  const { box, counters } = sources
  const changes = new Changes(box, counters)
  const endpointPath = '/api/v1/services/:service/endpoints/:id'
  return [
    { method: 'GET', path: '/healthz', need: 'open', answer: response => sendJson(response, 200, { alive: true }) },
    {
      method: 'GET',
      path: '/readyz',
      need: 'open',
      answer: response => {
        const { isReady, reasons } = readReadiness(sources)
        sendJson(response, isReady ? 200 : 503, { ready: isReady, reasons })
      },
    },
    {
      method: 'GET',
      path: '/metrics',
      need: 'read',
      answer: response => sendText(response, 200, EXPOSITION_TYPE, printMetrics(sources)),
    },
    {
      method: 'GET',
      path: '/api/v1/services',
      need: 'read',
      answer: response => sendJson(response, 200, { services: counters.services() }),
    },
    {
      method: 'GET',
      path: '/api/v1/config',
      need: 'read',
      answer: response => sendJson(response, 200, configOf(sources)),
    },
    ...reloadRoutes(sources),
    ...signalRoutes(sources, signals),
    ...operationRoutes(sources),
    {
      method: 'GET',
      path: '/api/v1/agents',
      need: 'read',
      answer: response => {
        const agents = agentsOf(box).map(agent => ({ ...agent, report: box.control?.report?.(agent.name) ?? null }))
        sendJson(response, 200, { agents, switchedOff: switchedOffIn(box) })
      },
    },
    {
      method: 'GET',
      path: '/api/v1/agents/:name',
      need: 'read',
      answer: (response, _, { name }) => {
        const agent = agentOf(box, name)
        if (agent === undefined) {
          throw new Refusal(
            404,
            'SBX_AGENT_UNKNOWN',
            'Cannot tell of this agent: it does not run here, see /api/v1/agents',
          )
        }
        sendJson(response, 200, agent)
      },
    },
    {
      method: 'GET',
      path: '/api/v1/explain/:service',
      need: 'read',
      answer: (response, request, { service }) => {
        const report = counters.service(service)
        if (wantsText(request)) sendText(response, 200, 'text/plain; charset=utf-8', `${reportText(report)}\n`)
        else sendJson(response, 200, withCauses(report, box.control))
      },
    },
    { method: 'GET', path: '/api/v1/live', need: 'read', answer: (response, request) => feed.open(request, response) },
    ...ACTIONS.map(
      (action): Route => ({
        method: 'POST',
        path: `${endpointPath}/${action}`,
        need: 'change',
        answer: async (response, request, names) => {
          const body = await readJsonBody(request)
          sendJson(response, 200, changes.act(action, targetOf(names), body))
        },
      }),
    ),
    ...SWITCHES.map(
      (change): Route => ({
        method: 'POST',
        path: `/api/v1/agents/:name/${change}`,
        need: 'change',
        answer: async (response, request, { name }) => {
          const body = await readJsonBody(request)
          sendJson(response, 200, changes.switchAgent(change, name, body))
        },
      }),
    ),
    {
      method: 'PUT',
      path: `${endpointPath}/weight`,
      need: 'change',
      answer: async (response, request, names) => {
        const body = await readJsonBody(request)
        sendJson(response, 200, changes.setWeight(targetOf(names), body))
      },
    },
    // The page holds no numbers, and a browser cannot send a token for it: what it then asks for is guarded.
    ...[...page].map(
      ([path, { type, body }]): Route => ({
        method: 'GET',
        path,
        need: 'open',
        answer: response => sendText(response, 200, type, body),
      }),
    ),
  ]
}

/** Where the process has a config it can read anew. */
function reloadRoutes({ reload }: Sources): Route[] {
  if (reload === undefined) return []
  return [
    {
      method: 'POST',
      path: '/api/v1/reload',
      need: 'change',
      answer: async (response, request) => {
        refuseOtherKeys((await readJsonBody(request)) ?? {}, [], 'reload takes no keys')
        sendJson(response, 200, await reload())
      },
    },
  ]
}

/** With what agents wrote of each endpoint, and why; where there is a control plane that can tell. */
function withCauses(report: ServiceReport, control: RunningControl | undefined): ServiceReport {
  if (control?.explain === undefined) return report
  const endpoints = report.endpoints.map(each => ({ ...each, causes: control.explain!(report.service, each.id) }))
  return { ...report, endpoints }
}

/** Whether people read it: `curl -H 'Accept: text/plain'`. */
function wantsText({ headers }: IncomingMessage): boolean {
  return headers.accept?.trim().toLowerCase().startsWith('text/plain') === true
}

const targetOf = ({ service, id }: Record<string, string>): Target => ({ service, id })

export interface Match {
  route: Route
  names: Record<string, string>
}

/** The route of a request. Throws a Refusal: 400 for a malformed path, 404 for an unknown one, 405 for another method. */
export function matchRoute(routes: readonly Route[], method: string, target: string): Match {
  const segments = segmentsOf(target)
  const matches = routes.flatMap(route => {
    const names = namesOf(route.path, segments)
    return names === undefined ? [] : [{ route, names }]
  })
  if (matches.length === 0) {
    throw new Refusal(404, 'SBX_ADMIN_NOT_FOUND', 'Cannot find this path: the admin listener has nothing under it')
  }
  const asked = method === 'HEAD' ? 'GET' : method
  const match = matches.find(({ route }) => route.method === asked)
  if (match !== undefined) return match
  const allowed = matches.flatMap(({ route }) => (route.method === 'GET' ? ['GET', 'HEAD'] : [route.method])).join(', ')
  throw new Refusal(405, 'SBX_ADMIN_INVALID', `Cannot answer ${method.slice(0, 20)}: this path takes ${allowed}`, {
    allow: allowed,
  })
}

function segmentsOf(target: string): string[] {
  const [path] = target.split('?', 1)
  try {
    return path.split('/').map(segment => decodeURIComponent(segment))
  } catch {
    throw new Refusal(400, 'SBX_ADMIN_INVALID', 'Cannot read the path: it has a broken percent-encoding')
  }
}

function namesOf(path: string, segments: readonly string[]): Record<string, string> | undefined {
  const wanted = path.split('/')
  if (wanted.length !== segments.length) return undefined
  const names: Record<string, string> = {}
  for (const [at, segment] of wanted.entries()) {
    if (segment.startsWith(':')) names[segment.slice(1)] = segments[at]
    else if (segment !== segments[at]) return undefined
  }
  return names
}
