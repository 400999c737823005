// After a measurement: why, in the learner's own words. To say it is what makes it stay.
import { useSignal } from '@preact/signals'
import { plain } from '../../plain.ts'
import { api, wordsOf } from '../api.ts'
import { progress } from '../record/progress.ts'
import { Button, Trouble } from '../ui/parts.tsx'
import './explain.css'

const mostCharacters = 2_000

export const Explain = ({ scenario }: { scenario: string }) => {
  const kept = progress.value?.scenarios[scenario]?.explained
  const draft = useSignal<string | undefined>(undefined)
  const trouble = useSignal('')
  const saved = useSignal(false)
  const text = draft.value ?? kept?.text ?? ''
  const changed = text !== (kept?.text ?? '')

  const save = async () => {
    trouble.value = ''
    try {
      const path = `/api/progress/scenarios/${encodeURIComponent(scenario)}`
      await api.put(path, { explained: text.trim() || null })
      draft.value = undefined
      saved.value = true
    } catch (error) {
      trouble.value = wordsOf(error)
    }
  }

  return (
    <form
      class="explain"
      onSubmit={(event) => {
        event.preventDefault()
        void save()
      }}
    >
      <label class="field">
        <span>Explain it in your own words</span>
        <textarea
          rows={3}
          maxLength={mostCharacters}
          placeholder="Because …"
          value={plain(text)}
          onInput={({ currentTarget }) => {
            draft.value = currentTarget.value
            saved.value = false
          }}
        />
      </label>
      <p class="keep">
        <Button disabled={!changed} onClick={() => void save()}>
          Keep it
        </Button>
        <small role="status">{saved.value && !changed ? 'Kept on this machine.' : ''}</small>
      </p>
      {trouble.value && <Trouble>{plain(trouble.value)}</Trouble>}
    </form>
  )
}
