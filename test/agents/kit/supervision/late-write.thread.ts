import { parentPort, workerData } from 'node:worker_threads'
import type { AnyAgent } from '../../../../agents/kit/grammar/agent.ts'
import { writeEndpoint } from '../../../../agents/kit/grammar/directive.ts'
import { TablePort } from '../../../../agents/kit/table-port.ts'
import { attach, Heartbeats } from '../../../../engine/writer.ts'

/** A thread of an agent that writes its factor without end, and never looks whether it should. */
const { handle, heartbeats } = workerData as { handle: unknown; heartbeats: SharedArrayBuffer }
const lines = new Heartbeats(heartbeats)
const attachment = attach(handle)
const agent = { name: 'late', writes: ['factor'] } as unknown as AnyAgent
const tables = new TablePort(attachment, agent, () => lines.mayWrite(0, 1))
const row = attachment.serviceTexts()[0]!.rows[0]!
const generation = attachment.endpoints.generation(row)
parentPort!.postMessage('writes')
for (;;) tables.write(writeEndpoint('factor', { row, generation }, 0.5))
