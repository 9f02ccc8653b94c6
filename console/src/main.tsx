// SPDX-License-Identifier: GPL-2.0-or-later
// The console's frame: where one is, how things stand, how fresh it is.

import 'uplot/dist/uPlot.min.css';
import './style/base.css';
import './style/shell.css';
import './style/parts.css';
import './style/pages.css';

import { type JSX, render } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Alert } from './api';
import { clock, span, utc } from './format';
import { refreshAll, useConnection, useLive, useNow, useTold } from './live';
import { Alerts, AlertView } from './pages/alerts';
import { CrashView } from './pages/crash';
import { Crashes } from './pages/crashes';
import { HostView } from './pages/host';
import { IssueView } from './pages/issue';
import { Issues } from './pages/issues';
import { Hosts } from './pages/hosts';
import { Overview } from './pages/overview';
import { ReasonView } from './pages/reason';
import { Reasons } from './pages/reasons';
import { Report } from './pages/report';
import { Audit } from './pages/audit';
import { Enrolment } from './pages/enrolment';
import { Password } from './pages/password';
import { People } from './pages/people';
import { Tokens } from './pages/tokens';
import { SignIn, signOut, startSession, useMay, useSession } from './session';
import { Link, navigate, useRoute } from './router';
import { Icon, type IconName, Mark } from './ui/icons';
import { NotYet } from './ui/parts';
import { moveRow, openRow } from './ui/table';
import { ApiError } from './api';

const PAGES: { path: string; name: string; icon: IconName; key: string }[] = [
  { path: '/', name: 'Overview', icon: 'overview', key: 'o' },
  { path: '/alerts', name: 'Alerts', icon: 'alerts', key: 'a' },
  { path: '/crashes', name: 'Crashes', icon: 'crashes', key: 'c' },
  { path: '/reasons', name: 'Reasons', icon: 'reasons', key: 'r' },
  { path: '/issues', name: 'Issues', icon: 'issues', key: 'i' },
  { path: '/hosts', name: 'Hosts', icon: 'hosts', key: 'h' },
  { path: '/report', name: 'Report', icon: 'report', key: 'm' },
];

/** For administrators. */
const ADMINISTRATION: typeof PAGES = [
  { path: '/people', name: 'People', icon: 'people', key: 'p' },
  { path: '/enrolment', name: 'Hosts\' keys', icon: 'key', key: 'e' },
  { path: '/audit', name: 'Audit log', icon: 'audit', key: 'u' },
];
/** Of oneself; reached from the foot of the side bar. */
const OWN: { [path: string]: string } = { '/tokens': 'API tokens', '/password': 'Password' };

function Page({ path }: { path: string }): JSX.Element {
  const one = /^\/(alerts|crashes|reasons|issues|hosts)\/(\d+)$/.exec(path);
  if (one?.[1] && one[2]) {
    switch (one[1]) {
      case 'alerts': return <AlertView key={path} id={one[2]} />;
      case 'crashes': return <CrashView key={path} id={one[2]} />;
      case 'reasons': return <ReasonView key={path} id={one[2]} />;
      case 'issues': return <IssueView key={path} id={one[2]} />;
      default: return <HostView key={path} id={one[2]} />;
    }
  }
  switch (path) {
    case '/': return <Overview />;
    case '/alerts': return <Alerts />;
    case '/crashes': return <Crashes />;
    case '/reasons': return <Reasons />;
    case '/issues': return <Issues />;
    case '/hosts': return <Hosts />;
    case '/report': return <Report />;
    case '/audit': return <Audit />;
    case '/tokens': return <Tokens />;
    case '/people': return <People />;
    case '/enrolment': return <Enrolment />;
    case '/password': return <Password />;
    default: return <NotYet error={new ApiError(404, 'the console has no such page')} />;
  }
}

type Theme = 'auto' | 'dark' | 'light';

function useTheme(): [boolean, () => void] {
  const system = matchMedia('(prefers-color-scheme: dark)');
  const [theme, setTheme] = useState<Theme>((localStorage.getItem('eyrie:theme') as Theme | null) ?? 'auto');
  const [systemDark, setSystemDark] = useState(system.matches);
  useEffect(() => {
    const update = (): void => setSystemDark(system.matches);
    system.addEventListener('change', update);
    return () => system.removeEventListener('change', update);
  }, []);
  const dark = theme === 'dark' || (theme === 'auto' && systemDark);
  useEffect(() => {
    document.documentElement.dataset['theme'] = dark ? 'dark' : 'light';
  }, [dark]);
  const toggle = (): void => {
    const next = dark ? 'light' : 'dark';
    localStorage.setItem('eyrie:theme', next);
    setTheme(next);
  };
  return [dark, toggle];
}

function ConnectionState(): JSX.Element {
  const c = useConnection();
  const now = useNow(1000);
  const told = useTold();
  if (c.downSince !== null)
    return <span class="conn conn-down" role="alert">No connection since {clock(c.downSince)}</span>;
  return <span class="conn" data-told={told} title={told ? 'What happens is shown at once' : 'Asks every five seconds'}><span class="conn-dot" /><span class="num">{clock(now)}</span> UTC</span>;
}

function StaleBar(): JSX.Element | null {
  const c = useConnection();
  const now = useNow(1000);
  if (c.downSince === null) return null;
  return (
    <div class="stale-bar" role="alert">
      <Icon name="alerts" />
      <b>No connection since {utc(c.downSince)} UTC</b>
      <span>({span((now - c.downSince) / 1000)}). {c.lastOk ? 'What you see is from then. ' : ''}Trying again every few seconds: {c.why}.</span>
      <button type="button" class="button button-small" onClick={refreshAll}>Try now</button>
    </div>
  );
}

/** Alerts in the side bar and the tab's title, on every page. */
function useActiveAlerts(): Alert[] | null {
  const live = useLive<{ alerts: Alert[] }>('/api/v1/alerts?state=active&limit=200');
  return live.data?.alerts ?? null;
}

function useKeys(help: () => void, pages: typeof PAGES): void {
  const leader = useRef(0);
  useEffect(() => {
    const onKey = (e: KeyboardEvent): void => {
      const target = e.target as HTMLElement;
      const typing = target.closest('input, select, textarea, dialog');
      if (e.key === 'Escape' && target.matches('input[data-search]')) target.blur();
      if (typing || e.metaKey || e.ctrlKey || e.altKey) return;
      const inLog = target.closest('.log, .pre, .tablist');
      if (Date.now() - leader.current < 1200) {
        leader.current = 0;
        const page = pages.find((p) => p.key === e.key);
        if (page) {
          e.preventDefault();
          navigate(page.path);
          return;
        }
      }
      switch (e.key) {
        case 'g': leader.current = Date.now(); return;
        case '?': help(); break;
        case '/': document.querySelector<HTMLElement>('input[data-search]')?.focus(); break;
        case 'j': moveRow(1); break;
        case 'k': moveRow(-1); break;
        case 'ArrowDown':
        case 'ArrowUp':
          // Outside a table the arrows scroll the page, as everywhere.
          if (inLog || !document.activeElement?.matches('tr[data-row]')) return;
          moveRow(e.key === 'ArrowDown' ? 1 : -1);
          break;
        case 'Enter': if (!openRow()) return; break;
        default: return;
      }
      e.preventDefault();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [pages]);
}

function Help({ onClose, pages }: { onClose: () => void; pages: typeof PAGES }): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const keys: [string, string][] = [
    ...pages.map((p): [string, string] => [`g ${p.key}`, p.name]),
    ['/', 'Filter the list'],
    ['j  k', 'Next and previous row (or ↓ ↑)'],
    ['Enter', 'Open the row'],
    ['?', 'These keys'],
  ];
  return (
    <dialog ref={dialog} class="dialog" onClose={onClose} aria-label="Keys">
      <h2>Keys</h2>
      <dl class="keys">{keys.map(([k, what]) => <div key={k}><dt><kbd>{k}</kbd></dt><dd>{what}</dd></div>)}</dl>
      <div class="dialog-buttons"><button type="button" class="button" onClick={() => dialog.current?.close()}>Close</button></div>
    </dialog>
  );
}

/** Who one is; nothing where nobody signs in yet. */
function Who(): JSX.Element | null {
  const session = useSession();
  if (!session || session.kind === 'anonymous') return null;
  return (
    <div class="who">
      {session.kind === 'person' && <span class="who-name" title={session.permissions.join(', ')}>{session.name}</span>}
      {session.kind === 'person' && <Link to="/tokens">Tokens</Link>}
      {session.kind === 'person' && session.csrf !== 'proxy' && <Link to="/password">Password</Link>}
      {session.kind === 'person' && session.csrf !== 'proxy' &&
        <button type="button" class="who-out" onClick={() => void signOut()}>Sign out</button>}
    </div>
  );
}

/** The console for whom the server knows, else the door. */
function Door(): JSX.Element | null {
  const session = useSession();
  if (!session) return <StaleBar />;
  return session.kind === 'anonymous' ? <SignIn /> : <App />;
}

function App(): JSX.Element {
  const { path } = useRoute();
  const [dark, toggleTheme] = useTheme();
  const [wall, setWall] = useState(localStorage.getItem('eyrie:wall') === '1');
  const [help, setHelp] = useState(false);
  const alerts = useActiveAlerts();
  const firing = alerts?.filter((a) => a.state === 'firing').length ?? 0;
  const taken = (alerts?.length ?? 0) - firing;
  const connection = useConnection();
  const administers = useMay('administer');
  const pages = useMemo(() => (administers ? [...PAGES, ...ADMINISTRATION] : PAGES), [administers]);
  useKeys(() => setHelp(true), pages);
  useEffect(() => {
    document.documentElement.dataset['wall'] = wall ? '1' : '0';
    localStorage.setItem('eyrie:wall', wall ? '1' : '0');
  }, [wall]);
  const here = pages.find((p) => (p.path === '/' ? path === '/' : path.startsWith(p.path)));
  useEffect(() => {
    // A page of one crash puts its own title in place of this.
    document.title = `${firing ? `(${firing}) ` : ''}${here?.name ?? OWN[path] ?? 'Eyrie'} · Eyrie`;
  }, [path, firing]);
  return (
    <div class={`shell ${connection.downSince !== null ? 'shell-stale' : ''}`}>
      <a class="skip" href="#main">Skip to the page</a>
      <header class="side">
        <Link to="/" class="brand"><Mark /><span>Eyrie</span></Link>
        <nav aria-label="Pages">
          {pages.map((p) => (
            <Link key={p.path} to={p.path} class={`nav ${p === ADMINISTRATION[0] ? 'nav-first' : ''} ${p === here ? 'nav-here' : ''}`} title={`${p.name} (g ${p.key})`}
              aria-current={p === here ? 'page' : undefined}>
              <Icon name={p.icon} /><span class="nav-name">{p.name}</span>
              {p.path === '/alerts' && firing > 0 && <span class="nav-count nav-count-bad">{firing}<span class="offscreen"> firing</span></span>}
              {p.path === '/alerts' && firing === 0 && taken > 0 && <span class="nav-count">{taken}<span class="offscreen"> taken</span></span>}
            </Link>
          ))}
        </nav>
        <div class="side-foot">
          <Who />
          <ConnectionState />
          <div class="side-buttons">
            <button type="button" class="icon-button" onClick={toggleTheme} title={dark ? 'Light' : 'Dark'} aria-label={dark ? 'Light colours' : 'Dark colours'}>
              <Icon name={dark ? 'sun' : 'moon'} />
            </button>
            <button type="button" class={`icon-button ${wall ? 'icon-button-on' : ''}`} onClick={() => setWall(!wall)} aria-pressed={wall}
              title="Larger, for a wall" aria-label="Larger, for a wall"><Icon name="wall" /></button>
            <button type="button" class="icon-button" onClick={() => setHelp(true)} title="Keys (?)" aria-label="Keys"><Icon name="keyboard" /></button>
          </div>
        </div>
      </header>
      <div class="body">
        <StaleBar />
        <main id="main" tabIndex={-1}><Page path={path} /></main>
      </div>
      {help && <Help pages={pages} onClose={() => setHelp(false)} />}
    </div>
  );
}

const app = document.getElementById('app');
startSession();
if (app) render(<Door />, app);

