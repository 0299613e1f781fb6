// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** Every page, in one list. To add one: a folder under pages/, a line here. `path` is wouter's; a page is loaded when it
 *  is first visited. `nav` puts it into the navigation. */
import { lazy } from 'react';
import type { ComponentType, LazyExoticComponent } from 'react';
import type { Session } from '../api/types';

interface PageEntry {
  path: string;
  title: string;
  nav?: true;
  /** Who sees it in the navigation; absent: all. */
  role?: Session['role'];
  component: LazyExoticComponent<ComponentType>;
}

export const pages: PageEntry[] = [
  { path: '/devices', title: 'Devices', nav: true, component: lazy(() => import('../pages/devices/DevicesPage')) },
  { path: '/tables', title: 'Tables', nav: true, component: lazy(() => import('../pages/tables/TablesPage')) },
  {
    path: '/tables/:device/:config/:view?',
    title: 'Tables',
    component: lazy(() => import('../pages/tables/TablePage')),
  },
  { path: '/search', title: 'Search', nav: true, component: lazy(() => import('../pages/search/SearchPage')) },
  { path: '/profiles', title: 'Profiles', nav: true, component: lazy(() => import('../pages/profiles/ProfilesPage')) },
  {
    path: '/profiles/new',
    title: 'Start a profile',
    component: lazy(() => import('../pages/profiles/NewProfilePage')),
  },
  { path: '/profiles/:id', title: 'Profile', component: lazy(() => import('../pages/profiles/ProfilePage')) },
  { path: '/nightly', title: 'Nightly', nav: true, component: lazy(() => import('../pages/nightly/NightlyPage')) },
  { path: '/nightly/new', title: 'Start a run', component: lazy(() => import('../pages/nightly/NewRunPage')) },
  { path: '/nightly/:id', title: 'Run', component: lazy(() => import('../pages/nightly/RunPage')) },
  {
    path: '/tokens',
    title: 'Tokens',
    nav: true,
    role: 'admin',
    component: lazy(() => import('../pages/tokens/TokensPage')),
  },
];

/** Where `/` leads. */
export const HOME = '/devices';
