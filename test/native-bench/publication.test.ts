import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PublicationCourse, type Told } from '../../native-bench/memory/publication/publication-course.ts'

const FLIPS = 200

for (const news of ['bar', 'endpoint'] as const) {
  for (const means of ['memory', 'message', 'polled message'] as const) {
    test(`${news} told by ${means}: the pick changes once with each, after it was told`, async t => {
      const course = await PublicationCourse.begin(news, means)
      t.after(() => course.close())
      for (let turn = 0; turn < 2; turn++) {
        // Throws where the pick has changed more often than that, or less.
        const told: Told = await course.tell(FLIPS)
        assert.equal(told.seenNs.length, FLIPS)
        for (const ns of told.seenNs) assert.ok(ns > 0, `seen ${ns} ns after it was told`)
        for (const ns of told.writesNs) assert.ok(ns > 0)
      }
    })
  }
}
