// SPDX-License-Identifier: GPL-2.0-or-later
// Pages have addresses, filters stand in them: what one sees can be sent to a colleague.

import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';

export interface Route { path: string; params: URLSearchParams }

const CHANGED = 'eyrie:navigate';

function current(): Route {
  return { path: location.pathname, params: new URLSearchParams(location.search) };
}

export function navigate(to: string, replace = false): void {
  if (replace) history.replaceState(null, '', to);
  else history.pushState(null, '', to);
  if (!replace) window.scrollTo(0, 0);
  window.dispatchEvent(new Event(CHANGED));
}

export function useRoute(): Route {
  const [route, setRoute] = useState(current);
  useEffect(() => {
    const update = (): void => setRoute(current());
    window.addEventListener('popstate', update);
    window.addEventListener(CHANGED, update);
    return () => {
      window.removeEventListener('popstate', update);
      window.removeEventListener(CHANGED, update);
    };
  }, []);
  return route;
}

/** An address with parameters; empty ones are left out. */
export function href(path: string, params: { [name: string]: string | number | null | undefined } = {}): string {
  const q = new URLSearchParams();
  for (const [name, value] of Object.entries(params))
    if (value !== null && value !== undefined && value !== '') q.set(name, String(value));
  const text = q.toString();
  return text ? `${path}?${text}` : path;
}

/** Set (or with '' remove) one parameter of the present address. */
export function setParam(name: string, value: string): void {
  const q = new URLSearchParams(location.search);
  if (value) q.set(name, value);
  else q.delete(name);
  const text = q.toString();
  navigate(text ? `${location.pathname}?${text}` : location.pathname, true);
}

export function Link(props: {
  to: string;
  children?: ComponentChildren;
  class?: string;
  title?: string;
  'aria-current'?: 'page' | undefined;
  tabIndex?: number;
}): JSX.Element {
  const { to, children, ...rest } = props;
  const onClick = (e: MouseEvent): void => {
    if (e.button || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) return;
    e.preventDefault();
    navigate(to);
  };
  return <a href={to} onClick={onClick} {...rest}>{children}</a>;
}
