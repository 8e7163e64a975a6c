import assert from 'node:assert/strict'

/** One line of Prometheus text. */
export interface Sample {
  name: string
  labels: Record<string, string>
  value: number
}

/**
 * A strict reader of the text format: HELP and TYPE once and first for each family, samples of a family together, no
 * sample twice, counters named _total, every value a number, a newline at the end.
 */
export function parseExposition(text: string): Sample[] {
  assert.ok(text.endsWith('\n'), 'ends in a newline')
  const samples: Sample[] = []
  const families = new Set<string>()
  const seen = new Set<string>()
  let family = ''
  let type = ''
  for (const line of text.slice(0, -1).split('\n')) {
    const help = /^# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) (?:[^\\]|\\[\\n])+$/.exec(line)
    if (help !== null) {
      assert.ok(!families.has(help[1]), `${help[1]} is described once`)
      families.add((family = help[1]))
      type = ''
      continue
    }
    const typed = /^# TYPE (\S+) (counter|gauge|summary|histogram)$/.exec(line)
    if (typed !== null) {
      assert.deepEqual([typed[1], type], [family, ''], line)
      type = typed[2]
      assert.equal(type === 'counter', family.endsWith('_total'), `${family} is a ${type}`)
      continue
    }
    const sample = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{.*\})? (-?\d[\d.e+-]*|NaN|[+-]Inf)$/.exec(line)
    assert.ok(sample, `cannot read ${line}`)
    const [, name, braces = '{}', value] = sample
    const parts = { summary: ['', '_sum', '_count'], histogram: ['_bucket', '_sum', '_count'] }[type] ?? ['']
    const names = parts.map(part => family + part)
    assert.ok(names.includes(name), `${name} stands in its family, ${family}`)
    assert.ok(!seen.has(name + braces), `${line} stands once`)
    seen.add(name + braces)
    samples.push({ name, labels: parseLabels(braces.slice(1, -1)), value: Number(value.replace('Inf', 'Infinity')) })
  }
  return samples
}

function parseLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {}
  const pair = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\["\\n])*)"(,|$)/y
  while (pair.lastIndex < text.length) {
    const at = pair.lastIndex
    const found = pair.exec(text)
    assert.ok(found, `cannot read labels ${text} at ${at}`)
    labels[found[1]] = found[2].replace(/\\(.)/g, (_, character) => (character === 'n' ? '\n' : character))
    if (found[3] === '') break
  }
  return labels
}
