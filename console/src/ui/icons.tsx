// SPDX-License-Identifier: GPL-2.0-or-later
import type { JSX } from 'preact';

const paths = {
  overview: 'M3 3h8v8H3zM13 3h8v5h-8zM13 10h8v11h-8zM3 13h8v8H3z',
  alerts: 'M12 2a6 6 0 0 0-6 6v5l-2 3v1h16v-1l-2-3V8a6 6 0 0 0-6-6zm-2.5 17a2.5 2.5 0 0 0 5 0z',
  crashes: 'M13 2 4 14h6l-1 8 9-12h-6z',
  reasons: 'M4 5h10v2H4zm0 6h16v2H4zm0 6h7v2H4zM17 4h3v3h-3zm-2 12h3v3h-3z',
  issues: 'M6 2h12v20l-6-4-6 4zM8 4v14.300l4-2.700 4 2.700V4zm1.500 3h5v2h-5zm0 3.500h5v2h-5z',
  hosts: 'M3 4h18v6H3zm0 10h18v6H3zm3-8v2h2V6zm0 10v2h2v-2z',
  report: 'M5 2h10l4 4v16H5zm9 1.5V7h3.5zM8 12h2v6H8zm3-2h2v8h-2zm3 4h2v4h-2z',
  people: 'M8 4a4 4 0 1 1 0 8 4 4 0 0 1 0-8zM1 20c0-4 3-6.500 7-6.500s7 2.500 7 6.500zM16 5a3.500 3.500 0 1 1 0 7zm1 8.500c3.500 0 6 2.300 6 6.500h-6z',
  key: 'M8 7a5 5 0 0 1 4.900 4H22v4h-3v3h-4v-3h-2.100A5 5 0 1 1 8 7zm0 3.500a2 2 0 1 0 0 4 2 2 0 0 0 0-4z',
  audit: 'M5 2h14v20H5zm3 4v2h8V6zm0 4v2h8v-2zm0 4v2h5v-2z',
  model: 'M7 7h10v10H7zM9 2h2v3H9zm4 0h2v3h-2zM9 19h2v3H9zm4 0h2v3h-2zM2 9h3v2H2zm0 4h3v2H2zm17-4h3v2h-3zm0 4h3v2h-3z',
  check: 'm4 12 2-2 4 4 8-9 2 2-10 11z',
  copy: 'M8 3h12v14h-3v-2h1V5h-8v1H8zM4 7h12v14H4zm2 2v10h8V9z',
  link: 'M14 3h7v7h-2V6.4l-9 9L8.600 14l9-9H14zM5 5h6v2H7v10h10v-4h2v6H5z',
  sun: 'M12 7a5 5 0 1 1 0 10 5 5 0 0 1 0-10zM11 1h2v3h-2zm0 19h2v3h-2zM1 11h3v2H1zm19 0h3v2h-3zM4.200 5.600l1.400-1.400 2.100 2.100-1.400 1.400zm12 12 1.400-1.400 2.200 2.200-1.400 1.400zM18.400 4.200l1.400 1.400-2.100 2.100-1.400-1.400zM6.300 16.200l1.400 1.400-2.100 2.200-1.400-1.400z',
  moon: 'M14 3a9 9 0 1 0 7 12A8 8 0 0 1 14 3z',
  wall: 'M2 4h20v13H2zm2 2v9h16V6zm4 13h8v2H8z',
  keyboard: 'M2 6h20v12H2zm2 2v8h16V8zm1 1h2v2H5zm3 0h2v2H8zm3 0h2v2h-2zm3 0h2v2h-2zm3 0h2v2h-2zM7 13h10v2H7z',
  close: 'm6 4.600 6 6 6-6L19.400 6l-6 6 6 6-1.400 1.400-6-6-6 6L4.600 18l6-6-6-6z',
  search: 'M10 3a7 7 0 0 1 5.600 11.200l5 5-1.400 1.400-5-5A7 7 0 1 1 10 3zm0 2a5 5 0 1 0 0 10 5 5 0 0 0 0-10z',
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name }: { name: IconName }): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={paths[name]} fill="currentColor" fill-rule="evenodd" />
    </svg>
  );
}

export function Mark(): JSX.Element {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <path d="M3 12.500 16 6.500l13 6-5.600 1.600a8.200 8.200 0 1 1-14.800 0z" fill="currentColor" />
      <circle cx="16" cy="17" r="5" class="mark-eye" />
      <circle cx="16" cy="17" r="2.100" fill="currentColor" />
    </svg>
  );
}
