// One side of the workbench: which variant, kept in what, with which knobs.
import { useSignal } from '@preact/signals'
import type { CatalogueEntry } from '../../course/catalogue.ts'
import type { Kind } from '../../kinds/index.ts'
import { plain } from '../../plain.ts'
import { backends, course } from '../live.ts'
import { changeSetup, type Setup, type SetupChange } from '../setup.ts'
import { Choice, Side } from '../ui/parts.tsx'

/** A wall of knobs teaches nothing. */
const mostKnobs = 3

export const SideChooser = ({
  name,
  entry,
  setup,
  onChange,
}: {
  name: 'A' | 'B'
  entry: CatalogueEntry
  setup: Setup
  onChange: (setup: Setup) => void
}) => {
  const variant = entry.variants.find(({ id }) => id === setup.variant)
  if (!variant) return null
  const change = (what: SetupChange) => onChange(changeSetup(entry, setup, what))
  return (
    <fieldset class={`chooser side-${name.toLowerCase()}`}>
      <legend class="unseen">Side {name}</legend>
      <div class="variant">
        <Side name={name} />
        <Choice
          label={`Variant ${name}`}
          value={setup.variant}
          options={entry.variants.map(({ id, title, safe }) => ({
            value: id,
            says: plain(title) + (safe ? '' : ' (unsafe on purpose)'),
          }))}
          onChoose={(id) => change({ variant: id })}
        />
      </div>
      <div class="settings">
        {variant.needs.map((kind) => (
          <Choice
            key={kind}
            label={kind}
            value={setup.backends[kind as Kind] ?? ''}
            options={backendOptions(kind as Kind)}
            onChoose={(backend) => change({ backends: { [kind]: backend } })}
          />
        ))}
        {Object.entries(variant.knobs)
          .slice(0, mostKnobs)
          .map(([knob, { says, unit, min, max }]) => (
            <KnobField
              key={knob}
              label={knob}
              title={`${plain(says)}, ${min} to ${max} ${unit}`}
              unit={unit}
              min={min}
              max={max}
              value={setup.knobs[knob] ?? min}
              onChange={(value) => change({ knobs: { [knob]: value } })}
            />
          ))}
      </div>
      <p class="idea">{plain(variant.idea)}</p>
    </fieldset>
  )
}

/** Every backend that has an adapter of this kind; what cannot be used here is greyed, with the reason. */
const backendOptions = (kind: Kind) =>
  (course.value?.adapters[kind] ?? []).map((name) => {
    const report = backends.value.find((one) => one.name === name)
    const missing = report?.status === 'unavailable'
    return {
      value: name,
      says: missing ? `${name}: not here` : name,
      disabled: missing,
      why: missing ? `${report.reason} ${report.remedy}` : '',
    }
  })

const KnobField = ({
  label,
  title,
  unit,
  min,
  max,
  value,
  onChange,
}: {
  label: string
  title: string
  unit: string
  min: number
  max: number
  value: number
  onChange: (value: number) => void
}) => {
  const wrong = useSignal('')
  return (
    <label class="field knob" title={title}>
      <span>
        {/* A name such as windowMs says its unit by itself. */}
        {label} {!label.endsWith('Ms') && <small>{unit}</small>}
      </span>
      <input
        type="number"
        step="1"
        min={min}
        max={max}
        value={value}
        aria-invalid={wrong.value ? 'true' : undefined}
        onChange={({ currentTarget }) => {
          const asked = Number(currentTarget.value)
          if (Number.isInteger(asked) && asked >= min && asked <= max) {
            wrong.value = ''
            onChange(asked)
          } else wrong.value = `a whole number from ${min} to ${max}`
        }}
      />
      {wrong.value && (
        <small role="alert" class="wrong">
          {wrong.value}
        </small>
      )}
    </label>
  )
}
