import { HEALTH_UNKNOWN } from '../../../engine/writer.ts'
import { defineSensor, type SensorEdge } from '../../kit/grammar/sensor.ts'
import { healthWordsSensed } from '../../signals.ts'
import { ByRow } from './looking.ts'

/** Row, generation and word of each endpoint, one after the other. */
type Words = Int32Array

const EVERY_MS = 1_000

/** The health words of all endpoints, whoever wrote them: tells each second which are others than a second before. At first all are unknown. */
export const healthWords = defineSensor({
  name: 'health-words',
  emits: healthWordsSensed,
  everyMs: EVERY_MS,
  start: () => new ByRow(() => ({ word: HEALTH_UNKNOWN })),
  read: ({ attachment }: SensorEdge): Words => {
    const { endpoints } = attachment
    const rows = attachment.serviceTexts().flatMap(service => service.rows)
    const words = new Int32Array(3 * rows.length)
    rows.forEach((row, i) => {
      words.set([row, endpoints.generation(row), endpoints.health(row)], 3 * i)
    })
    return words
  },
  perceive: (before: ByRow<{ word: number }>, words: Words) => {
    const rows: { row: number; generation: number; from: number; to: number }[] = []
    for (let i = 0; i < words.length; i += 3) {
      const [row, generation, to] = [words[i]!, words[i + 1]!, words[i + 2]!]
      const known = before.of(row, generation)
      if (known.word !== to) rows.push({ row, generation, from: known.word, to })
      known.word = to
    }
    return { memory: before, readings: rows.length === 0 ? [] : [healthWordsSensed.of({ rows })] }
  },
})
