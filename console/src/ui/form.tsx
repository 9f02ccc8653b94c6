// SPDX-License-Identifier: GPL-2.0-or-later
// A dialog that asks for a few words and sends them, with the name of who says so.

import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { post } from '../api';
import { refreshAll } from '../live';
import { useSession } from '../session';
import { type Choice } from './list';

/** Kept for the next time: people do not change between two clicks. */
const NAME = 'eyrie:name';

export interface Field {
  name: string;
  label: string;
  value?: string | undefined;
  required?: boolean;
  /** Several lines. */
  long?: boolean;
  choices?: Choice[];
  /** Several of the choices: their values with blanks between. */
  many?: boolean;
  /** A day, as 2026-11-24. */
  day?: boolean;
  /** A whole number, from and to. */
  number?: [number, number];
}

type Values = { [name: string]: string };

export function FormDialog<T>(props: {
  title: string;
  what?: ComponentChildren;
  note?: ComponentChildren;
  fields?: Field[];
  button: string;
  path: string | ((values: Values) => string);
  /** The body that is sent, without "who". */
  body: (values: Values) => { [key: string]: unknown };
  /** No "who" goes with it: the server takes it from who signed in, or asks for no name. */
  nameless?: boolean;
  onSent?: (answer: T, values: Values) => void;
  /** Shown below the fields: what would come of these values. */
  preview?: (values: Values) => ComponentChildren;
  onDone: () => void;
}): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const fields = props.fields ?? [];
  const [values, setValues] = useState<Values>(
    () => ({ who: localStorage.getItem(NAME) ?? '', ...Object.fromEntries(fields.map((f) => [f.name, f.value ?? ''])) }),
  );
  const [error, setError] = useState('');
  const [busy, setBusy] = useState(false);
  useEffect(() => dialog.current?.showModal(), []);
  const set = (name: string, value: string): void => setValues((v) => ({ ...v, [name]: value }));
  // Who signed in is known; the server would not believe another name.
  const signedIn = useSession()?.kind === 'person' || props.nameless === true;
  const who = (values['who'] ?? '').trim();
  const missing = (!who && !signedIn) || fields.some((f) => f.required && !values[f.name]?.trim());
  const send = async (e: Event): Promise<void> => {
    e.preventDefault();
    setBusy(true);
    try {
      const answer = await post<T>(typeof props.path === 'string' ? props.path : props.path(values), { ...props.body(values), ...(signedIn ? {} : { who }) });
      if (!signedIn) localStorage.setItem(NAME, who);
      refreshAll();
      props.onSent?.(answer, values);
      props.onDone();
    } catch (x) {
      setError(x instanceof Error ? x.message : String(x));
      setBusy(false);
    }
  };
  return (
    <dialog ref={dialog} class="dialog" onClose={props.onDone} aria-label={props.title}>
      <form onSubmit={(e) => void send(e)}>
        <h2>{props.title}</h2>
        {props.what && <p class="dialog-what">{props.what}</p>}
        {props.note && <p>{props.note}</p>}
        {fields.map((f, i) => f.many ? (
          <Many key={f.name} field={f} value={values[f.name] ?? ''} onInput={(v) => set(f.name, v)} />
        ) : (
          <label key={f.name}>{f.label}
            <Input field={f} value={values[f.name] ?? ''} focus={i === 0} onInput={(v) => set(f.name, v)} />
          </label>
        ))}
        {!signedIn && (
          <label>Your name
            <input name="who" value={who} maxLength={40} required autoFocus={!fields.length} autocomplete="name"
              onInput={(e) => set('who', e.currentTarget.value)} />
          </label>
        )}
        {props.preview?.(values)}
        {error && <p class="form-error" role="alert">{error}</p>}
        <div class="dialog-buttons">
          <button type="button" class="button" onClick={() => dialog.current?.close()}>Cancel</button>
          <button type="submit" class="button button-strong" disabled={busy || missing}>{props.button}</button>
        </div>
      </form>
    </dialog>
  );
}

function Many(props: { field: Field; value: string; onInput: (v: string) => void }): JSX.Element {
  const chosen = props.value.split(' ').filter(Boolean);
  const toggle = (v: string): void => props.onInput((chosen.includes(v) ? chosen.filter((c) => c !== v) : [...chosen, v]).join(' '));
  return (
    <fieldset>
      <legend>{props.field.label}</legend>
      {props.field.choices?.map((c) => (
        <label key={c.value} class="check"><input type="checkbox" name={c.value} checked={chosen.includes(c.value)} onChange={() => toggle(c.value)} />{c.label}</label>
      ))}
    </fieldset>
  );
}

function Input(props: { field: Field; value: string; focus: boolean; onInput: (v: string) => void }): JSX.Element {
  const { field: f, value, focus } = props;
  if (f.choices) {
    return (
      <select name={f.name} value={value} autoFocus={focus} onChange={(e) => props.onInput(e.currentTarget.value)}>
        {f.choices.map((c) => <option key={c.value} value={c.value}>{c.label}</option>)}
      </select>
    );
  }
  if (f.long) {
    return (
      <textarea name={f.name} value={value} rows={6} maxLength={8000} autoFocus={focus} required={f.required ?? false}
        onInput={(e) => props.onInput(e.currentTarget.value)} />
    );
  }
  if (f.day) return <input name={f.name} type="date" value={value} autoFocus={focus} onInput={(e) => props.onInput(e.currentTarget.value)} />;
  if (f.number) {
    return (
      <input name={f.name} type="number" value={value} min={f.number[0]} max={f.number[1]} autoFocus={focus} required
        onInput={(e) => props.onInput(e.currentTarget.value)} />
    );
  }
  return (
    <input name={f.name} value={value} maxLength={150} spellcheck={false} autoFocus={focus} required={f.required ?? false}
      onInput={(e) => props.onInput(e.currentTarget.value)} />
  );
}
