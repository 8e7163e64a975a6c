import type { Standing } from '../../contest.ts'
import { type Bar, bars } from '../../plots/bars.ts'
import { barOf } from '../../report/plots.ts'
import type { Measured } from '../../suite.ts'

/** A picture for each number of endpoints: one scale for four and for a thousand would show the thousand alone. */
export function drawPeers({ standings }: Measured, machine: string): Readonly<Record<string, string>> {
  const byEndpoints = new Map<string, Map<string, Standing[]>>()
  for (const standing of standings) {
    const [, kind, endpoints] = standing.contest.split('/') as [string, string, string]
    const kinds = byEndpoints.get(endpoints) ?? new Map<string, Standing[]>()
    byEndpoints.set(endpoints, kinds.set(kind, [...(kinds.get(kind) ?? []), standing]))
  }
  return Object.fromEntries(
    [...byEndpoints].map(([endpoints, kinds]) => {
      const caption = {
        title: `The choice among ${endpoints} endpoints: signalbox (orange) and others`,
        subtitle: `medians of ${standings[0]!.rounds} turns each, in turns · ${machine}`,
      }
      const groups = [...kinds].map(([label, own]) => ({ label, bars: own.map(barOfPeer) }))
      return [`peers-${endpoints}.svg`, bars(caption, 'ns', groups, true)]
    }),
  )
}

/** Ours by the policy alone. */
function barOfPeer(standing: Standing): Bar {
  const bar = barOf(standing)
  return { ...bar, label: bar.isOurs ? bar.label.slice(OURS.length) : bar.label }
}

const OURS = 'signalbox '
