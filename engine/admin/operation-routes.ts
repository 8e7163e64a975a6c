import type { IncomingMessage } from 'node:http'
import type { Box } from '../box/box.ts'
import { SignalboxError } from '../errors.ts'
import { Refusal, sendJson } from './answer.ts'
import { refuseOtherKeys } from './changes.ts'
import { readJsonBody } from './json-body.ts'
import type { Route } from './routes.ts'
import type { Sources } from './snapshot.ts'

/** What the cluster orchestrator carries out. */
const OPERATIONS = [
  'scale_cluster',
  'rebalance_load',
  'optimize_performance',
  'handle_emergency',
  'maintenance_window',
] as const

/** Under these names too an operation is asked for: as the action is called, and as it was called first, with a letter missing. */
const ENTRY_NAMES = ['OrchestrateClusterOperations', 'OrchestrateCusterOperations'] as const

/** It answers at once whether it begins; what becomes of it is asked for by its id. */
const ANSWER_MS = 5_000
const OPTION_CHARACTERS_MAX = 8_192

interface Taken {
  readonly id: string
  readonly isTaken: boolean
  readonly because: string
}

interface Listed {
  readonly operations: readonly object[]
  readonly leads: boolean
}

interface Cancelled {
  readonly isTaken: boolean
  readonly isKnown: boolean
  readonly because: string
}

const UNKNOWN = 'none has this id, see /api/v1/operations'

/** How people and programs have the cluster orchestrator carry something out, and see what became of it. */
export function operationRoutes({ box }: Pick<Sources, 'box'>): Route[] {
  const begin: Route['answer'] = async (response, request) => {
    const { operation, options } = await readOperation(request)
    const by = 'operator'
    const { id, isTaken, because } = await ask<Taken>(box, 'signalbox.operation.request', { operation, options, by })
    if (!isTaken) throw new Refusal(409, 'SBX_OPERATION_REFUSED', `Cannot begin ${operation}: ${because}`)
    box.log('info', 'an operation was begun by an operator', { id, operation, options })
    sendJson(response, 202, { id, operation })
  }
  return [
    { method: 'POST', path: '/api/v1/operations', need: 'change', answer: begin },
    ...ENTRY_NAMES.map(
      (name): Route => ({ method: 'POST', path: `/api/v1/actions/${name}`, need: 'change', answer: begin }),
    ),
    {
      method: 'GET',
      path: '/api/v1/operations',
      need: 'read',
      answer: async response => sendJson(response, 200, await ask<Listed>(box, 'signalbox.operation.list', { id: '' })),
    },
    {
      method: 'GET',
      path: '/api/v1/operations/:id',
      need: 'read',
      answer: async (response, _, { id }) => {
        const { operations } = await ask<Listed>(box, 'signalbox.operation.list', { id: id === '' ? '?' : id })
        const [operation] = operations
        if (operation !== undefined) return sendJson(response, 200, operation)
        throw new Refusal(404, 'SBX_OPERATION_UNKNOWN', `Cannot tell of this operation: ${UNKNOWN}`)
      },
    },
    {
      method: 'DELETE',
      path: '/api/v1/operations/:id',
      need: 'change',
      answer: async (response, _, { id = '' }) => {
        const { isTaken, isKnown, because } = await ask<Cancelled>(box, 'signalbox.operation.cancel', {
          ...{ id, by: 'operator' },
        })
        if (!isKnown) throw new Refusal(404, 'SBX_OPERATION_UNKNOWN', `Cannot call this operation off: ${UNKNOWN}`)
        if (!isTaken) throw new Refusal(409, 'SBX_OPERATION_REFUSED', `Cannot call ${id} off: ${because}`)
        box.log('info', 'an operation was called off by an operator', { id })
        sendJson(response, 202, { id })
      },
    },
  ]
}

/** `{ "operation": "scale_cluster", "options": { "service": "api", "count": 6 } }`; values are handed on as text. */
async function readOperation(
  request: IncomingMessage,
): Promise<{ operation: string; options: Record<string, string> }> {
  const body = (await readJsonBody(request)) ?? {}
  refuseOtherKeys(
    body,
    ['operation', 'options'],
    'write {"operation": "rebalance_load", "options": {"service": "api"}}',
  )
  const { operation, options = {} } = body
  if (typeof operation !== 'string' || !(OPERATIONS as readonly string[]).includes(operation)) {
    throw invalid(`"operation" is not one of ${OPERATIONS.join(', ')}`)
  }
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw invalid('"options" is not an object, write one such as {"service": "api"}')
  }
  return {
    operation,
    options: Object.fromEntries(Object.entries(options).map(([name, value]) => [name, textOf(name, value)])),
  }
}

function textOf(name: string, value: unknown): string {
  const isPlain = (each: unknown): boolean => /^(?:string|number|boolean)$/.test(typeof each)
  const isList = Array.isArray(value) && value.every(isPlain)
  if (!isPlain(value) && !isList) {
    throw invalid(`option ${JSON.stringify(name.slice(0, 100))} is no text, number, or list of them`)
  }
  const text = isList ? (value as unknown[]).join(', ') : String(value)
  if (text.length <= OPTION_CHARACTERS_MAX) return text
  throw invalid(`option ${JSON.stringify(name.slice(0, 100))} is longer than ${OPTION_CHARACTERS_MAX} characters`)
}

function invalid(state: string): Refusal {
  return new Refusal(400, 'SBX_ADMIN_INVALID', `Cannot read the operation: ${state}`)
}

/** Asks the cluster orchestrator. Throws a Refusal (503) where none runs, or it does not answer. */
async function ask<Answer>(box: Box, type: string, data: object): Promise<Answer> {
  const { control } = box
  if (control?.ask === undefined) {
    throw absent('no agents run here, start signalbox with a control plane that has a cluster orchestrator')
  }
  try {
    return (await control.ask({ type, data }, { timeoutMs: ANSWER_MS })).data as Answer
  } catch (error) {
    if (!(error instanceof SignalboxError)) throw error
    if (error.code === 'SBX_SIGNAL_UNKNOWN')
      throw absent('no cluster orchestrator runs here, enable agents.cluster-orchestrator')
    if (error.code === 'SBX_AGENT_SILENT') throw new Refusal(503, error.code, error.message, { 'retry-after': '5' })
    if (error.code === 'SBX_SIGNAL_REFUSED') throw new Refusal(429, error.code, error.message, { 'retry-after': '1' })
    throw error
  }
}

function absent(state: string): Refusal {
  return new Refusal(503, 'SBX_CONTROL_ABSENT', `Cannot ask for operations: ${state}`)
}
