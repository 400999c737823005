// Measures the learner's variant against the one that it was made from.
import { useSignal } from '@preact/signals'
import { plain } from '../../plain.ts'
import { api, wordsOf } from '../api.ts'
import { running } from '../investigate/claims-known.ts'
import type { Pair } from '../pair.ts'
import { go, tabPath } from '../route.ts'
import { changeSetup, restOf } from '../setup.ts'
import { Button, Trouble } from '../ui/parts.tsx'
import { mineSetup } from './mine-setup.ts'
import type { Work } from './work.ts'

export const MeasureCard = ({ pair, work }: { pair: Pair; work: Work }) => {
  const { entry } = pair
  const trouble = useSignal('')
  const asking = useSignal(false)
  const mine = mineSetup(pair, work)
  const from = entry.variants.find(({ id }) => id === work.basedOn.value)
  const measure = async () => {
    if (!mine || !from) return
    asking.value = true
    trouble.value = ''
    const original = changeSetup(entry, mine, { variant: from.id })
    try {
      const target = [original.id, mine.id]
      const { id } = await api.post<{ id: string }>('/api/bench', { target, preset: 'duel' })
      go(tabPath(entry.id, 'run', { a: restOf(original.id), b: restOf(mine.id), run: id }))
    } catch (error) {
      trouble.value = wordsOf(error)
    } finally {
      asking.value = false
    }
  }
  return (
    <section class="card" aria-labelledby="mine-measure">
      <h2 id="mine-measure">Measure</h2>
      <p>A duel of a few seconds, yours against {plain(from?.title ?? 'the original')}.</p>
      <Button
        disabled={!mine || asking.value || running.value !== null}
        title={!mine ? 'Save it first.' : running.value ? 'A proof is under way.' : undefined}
        onClick={() => void measure()}
      >
        Measure against {plain(from?.title ?? 'the original')}
      </Button>
      {trouble.value && <Trouble>{plain(trouble.value)}</Trouble>}
    </section>
  )
}
