# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""Answers that the client has already, and answers that go packed."""
import gzip
import http.client
import unittest

from lathe_service import WAIT_S, Server

TABLE = "/v1/tables/d/any-f32-t1-b1"
FORMATS = ("application/json", "application/yaml", "text/csv", "application/vnd.ofa+json")


def rows(count, first=1):
    return ("layer,mean_ms,count\n" + "".join(f"linear in=1x1x{i} out=1x1x10,0.5,3\n" for i in range(first, first + count))).encode()


class ConditionalTest(unittest.TestCase):
    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.close)
        self.put(rows(50))

    def put(self, text, table=TABLE):
        self.server.ok("POST", table + "/entries", text, ctype="text/csv")

    def get(self, path, accept="application/json", method="GET", **headers):
        return self.server.call(method, path, accept=accept, headers=headers)

    def cases(self):
        return [(TABLE, "application/json")] + [(TABLE + "/entries", accept) for accept in FORMATS]

    def test_what_has_not_changed_is_not_sent_again(self):
        for path, accept in self.cases():
            status, headers, body = self.get(path, accept)
            self.assertEqual((status, headers["Cache-Control"]), (200, "no-cache"), (path, accept))
            self.assertTrue(body)
            for asked in (headers["ETag"], '"other", ' + headers["ETag"], "*", headers["ETag"].removeprefix("W/")):
                status, again, body = self.get(path, accept, **{"If-None-Match": asked})
                self.assertEqual((status, body, again["ETag"]), (304, b"", headers["ETag"]), (path, accept, asked))
                self.assertIsNone(again["Content-Type"])
            self.assertEqual(self.get(path, accept, **{"If-None-Match": '"other"'})[0], 200)

    def test_whatever_changes_a_table_changes_its_tag(self):
        def tags():
            return {(path, accept): self.get(path, accept)[1]["ETag"] for path, accept in self.cases()}

        before = tags()
        self.assertEqual(len(set(before.values())), len(before) - 1)  # one for each format: both JSON answers may share theirs
        self.put(rows(1))  # the same row anew
        after = tags()
        for case in before:
            self.assertNotEqual(before[case], after[case])
            self.assertEqual(self.get(*case, **{"If-None-Match": before[case]})[0], 200)
        self.assertEqual(tags(), after)
        self.put(rows(1), "/v1/tables/d/other-f32-t1-b1")
        self.server.ok("DELETE", TABLE)
        for case in after:
            status, headers, _ = self.get(*case, **{"If-None-Match": after[case]})
            self.assertEqual((status, headers["ETag"], headers["Cache-Control"]), (404, None, "no-store"))
        self.put(rows(50))
        for case in after:
            self.assertEqual(self.get(*case, **{"If-None-Match": after[case]})[0], 200)

    def test_another_run_of_the_server_has_other_tags(self):
        tag = self.get(TABLE)[1]["ETag"]
        self.server.stop()
        self.server.start()
        self.assertEqual(self.get(TABLE, **{"If-None-Match": tag})[0], 200)

    def test_a_question_that_is_refused_has_no_tag(self):
        tag = self.get(TABLE)[1]["ETag"]
        for path, status in ((TABLE + "?x=1", 400), (TABLE + "/entries?kind=none", 400), (TABLE + "/entries?sort=none", 400)):
            answer = self.get(path)
            self.assertEqual((answer[0], answer[1]["ETag"]), (status, None))
        self.assertEqual(self.get(TABLE + "?x=1", **{"If-None-Match": tag})[0], 400)

    def test_head_answers_as_get(self):
        for path, accept in self.cases():
            whole = self.get(path, accept)
            status, headers, body = self.get(path, accept, "HEAD")
            self.assertEqual((status, body), (200, b""))
            for name in ("ETag", "Content-Length", "Content-Type"):
                self.assertEqual(headers[name], whole[1][name], (path, accept, name))
            self.assertEqual(self.get(path, accept, "HEAD", **{"If-None-Match": headers["ETag"]})[0], 304)

    def test_long_answers_go_packed_to_who_takes_that(self):
        for path, accept in self.cases()[1:]:
            plain = self.server.call("GET", path, accept=accept)
            self.assertIsNone(plain[1]["Content-Encoding"])
            status, headers, body = self.raw(path, accept, **{"Accept-Encoding": "gzip, deflate, br"})
            self.assertEqual((status, headers["Content-Encoding"]), (200, "gzip"), accept)
            self.assertLess(len(body), int(plain[1]["Content-Length"]))
            self.assertEqual(gzip.decompress(body), self.raw(path, accept)[2])
            self.assertIn("Accept-Encoding", headers["Vary"])
            self.assertEqual(headers["ETag"], plain[1]["ETag"])
            self.assertIsNone(self.raw(path, accept, **{"Accept-Encoding": "gzip;q=0"})[1]["Content-Encoding"])

    def raw(self, path, accept="application/json", method="GET", **headers):
        """call() that leaves bodies as they come."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=WAIT_S)
        try:
            connection.request(method, path, headers={"Accept": accept, "Authorization": "Bearer " + self.server.token, **headers})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def test_packed_answers_are_conditional_too(self):
        packed = {"Accept-Encoding": "gzip"}
        headers = self.raw(TABLE + "/entries", **packed)[1]
        status, again, body = self.raw(TABLE + "/entries", **packed, **{"If-None-Match": headers["ETag"]})
        self.assertEqual((status, body, again["Content-Encoding"]), (304, b"", None))
        head = self.raw(TABLE + "/entries", method="HEAD", **packed)
        self.assertEqual((head[0], head[1]["Content-Encoding"], head[1]["Content-Length"]), (200, "gzip", headers["Content-Length"]))

    def test_short_answers_and_packed_files_go_as_they_are(self):
        self.assertIsNone(self.raw("/healthz", **{"Accept-Encoding": "gzip"})[1]["Content-Encoding"])
        self.assertEqual(self.raw("/metrics", "*/*", **{"Accept-Encoding": "gzip"})[1]["Content-Encoding"], "gzip")
        status, headers, _ = self.raw("/v1/predictors/ofa-mbv3-w1.2-mlp", "application/octet-stream", **{"Accept-Encoding": "gzip"})
        self.assertEqual((status, headers["Content-Encoding"]), (200, None))


if __name__ == "__main__":
    unittest.main()
