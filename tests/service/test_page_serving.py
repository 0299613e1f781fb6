# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""The page's files: what is served, what is not, and under which headers."""
import gzip
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import unittest

from lathe_service import WAIT_S, Server, program

INDEX = b"<!doctype html><title>Lathe</title><script type=module src=/assets/app-1a2b.js></script>" + b" " * 4000
SCRIPT = b"export const answer = 42;\n" * 200
HTML = "text/html,application/xhtml+xml,*/*;q=0.8"


def make_page(folder):
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_bytes(INDEX)
    (folder / "assets" / "app-1a2b.js").write_bytes(SCRIPT)
    (folder / "assets" / "app-1a2b.js.gz").write_bytes(gzip.compress(SCRIPT))
    (folder / "assets" / "style-3c4d.css").write_bytes(b"body { margin: 0 }\n" * 100)
    (folder / "favicon.svg").write_bytes(b"<svg xmlns='http://www.w3.org/2000/svg'/>")
    (folder / "robots.txt").write_bytes(b"")
    (folder / "data.bin").write_bytes(bytes(range(256)) * 8)
    (folder / ".secret").write_bytes(b"hidden")


class PageTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="lathe-web-"))
        cls.web = cls.folder / "web"
        make_page(cls.web)
        (cls.folder / "outside.txt").write_bytes(b"outside of the folder")
        (cls.folder / "web-other").mkdir()
        (cls.folder / "web-other" / "file.txt").write_bytes(b"outside of the folder")
        (cls.web / "link-out.txt").symlink_to(cls.folder / "outside.txt")
        (cls.web / "link-up").symlink_to("..")
        (cls.web / "link-sibling").symlink_to("../web-other")
        (cls.web / "link-in.txt").symlink_to("assets/style-3c4d.css")
        os.mkfifo(cls.web / "pipe.txt")
        cls.server = Server("--web", str(cls.web))

    @classmethod
    def tearDownClass(cls):
        cls.server.close()
        shutil.rmtree(cls.folder)

    def get(self, path, accept="*/*", method="GET", **headers):
        return self.server.call(method, path, token="", accept=accept, headers=headers)

    def raw(self, path):
        """A path as no client library would send it. @return the whole answer."""
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=WAIT_S) as s:
            s.sendall(b"GET " + path + b" HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\nConnection: close\r\n\r\n")
            answer = b""
            while chunk := s.recv(65536):
                answer += chunk
            return answer

    def test_the_root_is_the_page_and_needs_no_token(self):
        status, headers, body = self.get("/")
        self.assertEqual((status, body), (200, INDEX))
        self.assertEqual(headers["Content-Type"], "text/html; charset=utf-8")
        self.assertEqual(headers["Cache-Control"], "no-cache")

    def test_paths_that_the_page_routes_are_the_page_for_who_navigates(self):
        for path in ("/devices", "/tables/pi4/xnnpack-f32-t1-b1", "/search?table=x", "/v10", "/devices/a.b", "/a%20b"):
            status, headers, body = self.get(path, HTML)
            self.assertEqual((status, body), (200, INDEX), path)
            self.assertEqual(headers["Cache-Control"], "no-cache")
            self.assertEqual(self.get(path)[0], 404, path)
        for path in ("/assets/none.js", "/assets/", "/assets/app-0000.js"):
            self.assertEqual(self.get(path, HTML)[0], 404, path)

    def test_the_interface_is_never_the_page(self):
        for path in ("/v1", "/v1/", "/v1/nothing", "/v1/devices/x/y/z"):
            status, headers, _ = self.get(path, HTML)
            self.assertEqual((status, headers["Content-Type"]), (404, "application/problem+json"), path)
        self.assertEqual(self.get("/v1/devices", HTML)[0], 401)
        self.assertEqual(self.get("/healthz", HTML)[2]["status"], "ok")
        status, headers, _ = self.server.call("POST", "/devices", {}, accept=HTML)
        self.assertEqual((status, headers["Content-Type"]), (404, "application/problem+json"))

    def test_html_allows_nothing_inline_and_nothing_of_others(self):
        for path in ("/", "/devices", "/index.html"):
            headers = self.get(path, HTML)[1]
            policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
            self.assertEqual(policy, {
                "default-src": "'none'", "script-src": "'self'", "style-src": "'self'", "img-src": "'self' data:", "font-src": "'self'",
                "connect-src": "'self'", "base-uri": "'none'", "form-action": "'self'", "frame-ancestors": "'none'"})
            self.assertEqual((headers["X-Content-Type-Options"], headers["Referrer-Policy"]), ("nosniff", "no-referrer"))
        self.assertEqual(self.get("/assets/app-1a2b.js")[1]["X-Content-Type-Options"], "nosniff")

    def test_files_have_their_types(self):
        for path, kind in (("/assets/app-1a2b.js", "text/javascript; charset=utf-8"), ("/assets/style-3c4d.css", "text/css; charset=utf-8"),
                           ("/favicon.svg", "image/svg+xml"), ("/robots.txt", "text/plain; charset=utf-8"), ("/data.bin", "application/octet-stream")):
            status, headers, body = self.get(path)
            self.assertEqual((status, headers["Content-Type"]), (200, kind), path)
            self.assertEqual(body, (self.web / path[1:]).read_bytes())

    def test_assets_are_kept_for_ever_and_others_asked_for_anew(self):
        self.assertEqual(self.get("/assets/app-1a2b.js")[1]["Cache-Control"], "public, max-age=31536000, immutable")
        for path in ("/", "/favicon.svg"):
            headers = self.get(path)[1]
            self.assertEqual(headers["Cache-Control"], "no-cache")
            status, again, body = self.get(path, **{"If-None-Match": headers["ETag"]})
            self.assertEqual((status, body, again["ETag"]), (304, b"", headers["ETag"]))
            self.assertEqual(self.get(path, **{"If-None-Match": '"other"'})[0], 200)

    def test_a_file_that_changes_has_another_tag(self):
        path = self.web / "changing.txt"
        path.write_bytes(b"one")
        tag = self.get("/changing.txt")[1]["ETag"]
        path.write_bytes(b"two")
        os.utime(path, ns=(1, 1))
        status, _, body = self.get("/changing.txt", **{"If-None-Match": tag})
        self.assertEqual((status, body), (200, b"two"))

    def test_what_is_packed_beside_a_file_is_sent_to_who_takes_it(self):
        for encoding in ("gzip", "br, gzip;q=0.5", "*"):
            status, headers, body = self.get("/assets/app-1a2b.js", **{"Accept-Encoding": encoding})
            self.assertEqual((status, headers["Content-Encoding"]), (200, "gzip"), encoding)
            self.assertEqual(body, (self.web / "assets" / "app-1a2b.js.gz").read_bytes())
            self.assertEqual(headers["Content-Type"], "text/javascript; charset=utf-8")
            self.assertIn("Accept-Encoding", headers["Vary"])
        for encoding in ("identity", "gzip;q=0", "br", "*, gzip;q=0"):
            headers, body = self.get("/assets/app-1a2b.js", **{"Accept-Encoding": encoding})[1:]
            self.assertEqual((headers["Content-Encoding"], body), (None, SCRIPT), encoding)

    def test_what_is_not_packed_is_packed_on_the_way(self):
        headers, body = self.get("/", **{"Accept-Encoding": "gzip"})[1:]
        self.assertEqual((headers["Content-Encoding"], gzip.decompress(body)), ("gzip", INDEX))
        headers, body = self.get("/data.bin", **{"Accept-Encoding": "gzip"})[1:]
        self.assertEqual((headers["Content-Encoding"], len(body)), (None, 2048))

    def test_head_answers_as_get_without_a_body(self):
        for path, encoding in (("/", "identity"), ("/assets/app-1a2b.js", "gzip"), ("/", "gzip")):
            answer, head = (self.get(path, method=method, **{"Accept-Encoding": encoding}) for method in ("GET", "HEAD"))
            self.assertEqual((head[0], head[2]), (200, b""))
            for name in ("Content-Length", "Content-Encoding", "ETag", "Content-Type", "Cache-Control"):
                self.assertEqual(head[1][name], answer[1][name], (path, name))

    def test_no_path_leaves_the_folder(self):
        for path in (b"/../outside.txt", b"/assets/../../outside.txt", b"/%2e%2e/outside.txt", b"/%2e%2e%2foutside.txt", b"/..%2foutside.txt",
                     b"/assets/%2e%2e/%2e%2e/outside.txt", b"//outside.txt", b"/./../outside.txt", b"/assets/..%5c..%5coutside.txt",
                     b"/link-out.txt", b"/link-up/outside.txt", b"/link-sibling/file.txt", b"/../web-other/file.txt", b"/../../../../etc/passwd",
                     b"/%2fetc%2fpasswd", b"//etc/passwd", b"/etc/passwd", b"/index.html%00.txt", b"/.secret", b"/assets/../.secret", b"/%2esecret",
                     str(self.folder / "outside.txt").encode(), b"/pipe.txt", b"/" + b"a/" * 3000 + b"x", b"/%c0%ae%c0%ae/outside.txt"):
            answer = self.raw(path)
            for secret in (b"outside of the folder", b"root:", b"hidden"):
                self.assertNotIn(secret, answer, path)
            self.assertRegex(answer.split(b"\r\n")[0], rb" (200|400|404|414|431) ", path)

    def test_a_link_inside_the_folder_is_followed(self):
        self.assertEqual(self.get("/link-in.txt")[2], (self.web / "assets" / "style-3c4d.css").read_bytes())

    def test_folders_are_no_files(self):
        for path in ("/assets", "/link-up", "/link-sibling"):
            self.assertEqual(self.get(path)[0], 404, path)

    def test_answers_of_files_are_counted(self):
        self.get("/")
        self.assertIn('lathe_http_requests_total{method="GET",route="/{file}",status="2xx"}', self.get("/metrics")[2].decode())


class MissingPageTest(unittest.TestCase):
    def test_without_a_page_the_root_says_what_is_missing_and_how_to_build_it(self):
        with tempfile.TemporaryDirectory() as folder, Server("--web", folder) as server:
            for path in ("/", "/devices"):
                status, headers, body = server.call("GET", path, token="", accept=HTML)
                self.assertEqual((status, headers["Content-Type"]), (503, "text/html; charset=utf-8"))
                self.assertIn("default-src 'none'", headers["Content-Security-Policy"])
                for word in (b"index.html", b"--web", b"npm", b"cmake --build"):
                    self.assertIn(word, body)
            self.assertEqual(server.call("GET", "/favicon.ico", token="")[0], 404)
            pathlib.Path(folder, "index.html").write_bytes(INDEX)
            self.assertEqual(server.call("GET", "/", token="")[2], INDEX)

    def test_a_folder_that_is_none_is_said_at_the_start(self):
        for path, why in (("/nowhere/at/all", "No such file"), ("/etc/passwd", "Not a directory")):
            with tempfile.TemporaryDirectory() as folder:
                done = subprocess.run([program("lathed"), "--data", folder, "--listen", "127.0.0.1:0", "--web", path], capture_output=True,
                                      text=True, timeout=WAIT_S)
            self.assertEqual((done.returncode, len(done.stderr.splitlines())), (1, 1), done.stderr)
            self.assertIn(f"--web {path}: {why}", done.stderr)


if __name__ == "__main__":
    unittest.main()
