/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Bearer tokens. The store keeps a hash (BLAKE2b by libsodium), never the token.
 * A token is "lathe_" and 43 characters of base64url (256 random bits). Threads: any. */
#ifndef LATHE_STORE_TOKENS_H
#define LATHE_STORE_TOKENS_H

#include "lut/kv/kv.h"

enum { TOKEN_TEXT_BYTES = 64 };

/** Make and store a token. @param role "admin", "user" or "agent"; @param name text_is_name(), unique among tokens:
 *  LATHE_CONFLICT otherwise. @param[out] text shown once. */
enum lathe_status token_create(struct kv *, const char *role, const char *name, char text[TOKEN_TEXT_BYTES],
                               struct lathe_error *err);
/** @param[out] role 8 bytes, name 65 bytes. @return LATHE_OK or LATHE_NOT_FOUND (err untouched). */
enum lathe_status token_find(struct kv *, const char *text, char *role, char *name, struct lathe_error *err);
enum lathe_status token_revoke(struct kv *, const char *name, struct lathe_error *err);

#endif
