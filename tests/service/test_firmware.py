# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""The firmware's images in QEMU, spoken to frame by frame: every message of the wire protocol, what it computes, what it
counts, and how it ends."""
import struct
import subprocess
import unittest
import zlib

import qemu_board
from board_case import Session, int8_cases, layer
from lathe_service import program
from qemu_board import Gdb, Host, QemuBoard, wire

FIRST = layer("conv2d in=16x16x3 out=8x8x8 k=3 s=2 act=relu6")
BLOCK = layer("mbconv in=8x8x8 out=8x8x8 mid=24 k=3 s=1 act=relu6 res=1")
TALL = layer("mbconv in=8x8x8 out=4x4x12 mid=32 k=5 s=2 act=relu6")
SMALL = [FIRST, BLOCK, TALL]


def setUpModule():
    reason = qemu_board.missing()
    if reason:
        raise unittest.SkipTest(reason)


class OnBoard:
    """The tests of every board; `name` is the board's."""
    name = None
    core = None
    kernels = "simd"

    @classmethod
    def setUpClass(cls):
        cls.board = QemuBoard(cls.name)
        cls.connection = cls.board.connect()

    @classmethod
    def tearDownClass(cls):
        cls.connection.close()
        cls.board.close()

    def setUp(self):
        self.host = Host(self.connection)
        self.session = Session(self.host)
        self.hello = self.session.hello()

    def refuses(self, code, call, *arguments):
        with self.assertRaises(wire.Refused) as caught:
            call(*arguments)
        self.assertEqual(caught.exception.code, code, caught.exception.text)
        return caught.exception

    def test_hello_board_and_fingerprint_say_what_it_is(self):
        board = self.session.board()
        self.assertEqual((board["board"], board["core"], board["flags"]), (self.name, self.core, 1))
        self.assertEqual((self.hello["clock"], board["timer_hz"]), (2, 0), "instructions, which have no rate")
        self.assertEqual(self.hello["activations"], board["arena"])
        self.assertEqual(self.hello["weights"], board["flash"] - board["code"])
        self.assertLess(board["arena"], board["sram"])
        self.assertRegex(self.hello["build"], "^[0-9a-f]{8}$")
        self.assertEqual(board["fault"], "")
        lines = self.session.info(self.session.open())
        self.assertEqual(lines["runner"], f"{self.hello['runner']} {self.hello['build']}")
        self.assertEqual((lines["dtype"], lines["threads"], lines["batch"]), ("int8", "1", "1"))
        self.assertEqual((lines["board"], lines["kernels"], lines["weights"]), (self.name, self.kernels, "flash"))
        self.assertEqual((lines["cpu"], lines["timer"]), (self.core, board["timer"]))
        self.assertEqual((int(lines["sram_bytes"]), int(lines["flash_bytes"])), (board["sram"], board["flash"]))

    def test_outputs_are_the_published_ones_bit_for_bit(self):
        cases = int8_cases()
        self.assertGreater(len(cases), 5)
        for name, (seed, layers, crc) in cases.items():
            with self.subTest(case=name):
                self.session.open(seed=seed)
                self.session.build(0, layers)
                run = self.session.run(0)
                self.assertEqual(run["output_crc"], crc)
                output = self.session.output()
                self.assertEqual((len(output), zlib.crc32(output)), (run["output_bytes"], crc))

    def test_counts_are_the_same_from_run_to_run_and_network_to_network(self):
        self.session.open()
        self.session.build(0, SMALL)
        self.session.build(1, [FIRST, BLOCK, BLOCK, TALL])
        first = self.session.fetch(self.session.run(0, runs=5, warmup=2))
        self.assertEqual(first, [first[0]] * 5)
        longer = self.session.fetch(self.session.run(1, runs=2))
        again = self.session.fetch(self.session.run(0, runs=1))
        self.assertEqual(again[0], first[0])
        self.assertEqual(first[0][-1], sum(first[0][:-1]))
        for here, there in ((0, 0), (1, 1), (2, 3)):
            # Weights differ with the occurrence, and with them how often a sum saturates.
            self.assertAlmostEqual(longer[0][there] / first[0][here], 1, delta=0.005)
        whole = self.session.fetch(self.session.run(0, runs=3, per_layer=False))
        self.assertEqual(whole, [[first[0][-1]]] * 3)

    def test_what_does_not_fit_is_refused_with_the_bytes_and_leaves_what_was_there(self):
        self.session.open()
        arena = self.session.board()["arena"]
        built = self.session.build(0, SMALL)
        before = self.session.run(0)["output_crc"]
        side = int((arena / 8) ** 0.5) + 64
        large = layer(f"mbconv in={side}x{side}x8 out={side}x{side}x16 mid=8 k=3 s=1 act=relu6")
        refused = self.refuses(wire.E_NO_MEMORY, self.session.build, 0, [large])
        self.assertGreater(refused.detail, arena)
        self.assertIn(str(refused.detail), refused.text)
        self.assertEqual(self.session.run(0)["output_crc"], before)
        self.assertEqual(self.session.build(1, SMALL), built)

    def test_networks_fill_the_table_and_reset_empties_it(self):
        self.session.open()
        most, numbers = self.hello["max_layers"], self.hello["max_networks"]
        long = [layer("conv2d in=1x1x4 out=1x1x4 k=1 s=1 act=relu")] * (most // 2)
        self.session.build(0, long)
        self.session.build(numbers - 1, long)
        refused = self.refuses(wire.E_NO_MEMORY, self.session.describe, 1, SMALL)
        self.assertGreater(refused.detail, 0)
        self.assertEqual(self.session.run(numbers - 1)["layers"], most // 2)
        self.refuses(wire.E_INVALID, self.session.describe, numbers, SMALL)
        self.host.ask(wire.RESET)
        self.refuses(wire.E_NOT_FOUND, self.session.run, 0)
        self.session.build(0, long + long)
        self.assertEqual(self.session.run(0)["layers"], 2 * (most // 2))

    def test_a_network_takes_the_place_of_another_while_others_stay(self):
        self.session.open()
        for number, layers in enumerate(([FIRST], SMALL, [FIRST, BLOCK])):
            self.session.build(number, layers)
        crcs = [self.session.run(number)["output_crc"] for number in range(3)]
        self.session.build(0, SMALL)
        self.session.build(1, [FIRST])
        self.assertEqual([self.session.run(number)["output_crc"] for number in range(3)], [crcs[1], crcs[0], crcs[2]])

    def test_requests_out_of_place_or_range_are_refused(self):
        self.refuses(wire.E_STATE, self.session.describe, 0, SMALL)
        for wrong in ({"runtime": "reference"}, {"dtype": 0}, {"threads": 2}, {"batch": 2}):
            self.refuses(wire.E_UNSUPPORTED, lambda options=wrong: self.session.open(**options))
        self.refuses(wire.E_STATE, self.session.run, 0)
        self.session.open()
        self.refuses(wire.E_NOT_FOUND, self.session.run, 0)
        self.refuses(wire.E_STATE, self.session.output)
        self.refuses(wire.E_STATE, self.host.ask, wire.NET_BUILD, struct.pack("<H", 0))
        self.refuses(wire.E_INVALID, self.session.build, 0, [FIRST, FIRST])
        self.session.build(0, SMALL)
        self.refuses(wire.E_INVALID, self.session.run, 0, 0)
        refused = self.refuses(wire.E_NO_MEMORY, self.session.run, 0, 9999)
        self.assertGreater(refused.detail, 0)
        self.refuses(wire.E_UNSUPPORTED, self.host.ask, wire.STATE)
        self.refuses(wire.E_UNSUPPORTED, self.host.ask, 77)
        self.refuses(wire.E_MALFORMED, self.host.ask, wire.RUN, b"\0")
        self.host.ask(wire.BYE)
        self.refuses(wire.E_STATE, self.session.run, 0)

    def test_another_version_is_answered_with_its_own(self):
        self.session.open()
        refused = self.refuses(wire.E_VERSION, Session(Host(self.connection)).hello, 9)
        self.assertEqual(refused.detail, wire.VERSION)
        self.session.build(0, SMALL)  # the session that was goes on

    def test_a_second_host_is_told_and_repeats_are_answered_from_memory(self):
        self.session.open()
        self.refuses(wire.E_SESSION, Host(self.connection).ask, wire.RESET)
        self.session.build(0, SMALL)
        message = self.host.message(wire.RUN, struct.pack("<HHHB", 0, 0, 1, 1))
        self.connection.sendall(wire.frame(message))
        first = self.host.receive()
        self.connection.sendall(b"\x55garbage" + wire.frame(message))
        self.assertEqual(self.host.receive(), first)

    def test_outputs_are_those_of_the_reference_runtime(self):
        layers = [layer("conv2d in=24x24x3 out=12x12x8 k=3 s=2 act=hswish"),
                  layer("mbconv in=12x12x8 out=12x12x8 mid=48 k=7 s=1 act=hswish se=16 res=1"),
                  layer("bottleneck in=12x12x8 out=6x6x24 mid=8 k=3 s=2 act=relu"),
                  layer("maxpool in=6x6x24 out=3x3x24 k=3 s=2"), layer("avgpool in=3x3x24 out=1x1x24"),
                  layer("linear in=1x1x24 out=1x1x10")]
        self.session.open(seed=2026)
        self.session.build(0, layers)
        self.session.run(0)
        with Reference(2026, layers) as output:
            self.assertEqual(self.session.output(), output)


class Reference:
    """What lathe-run's reference runtime computes of the same."""

    def __init__(self, seed, layers):
        self.seed, self.layers = seed, layers

    def __enter__(self):
        self.runner = subprocess.Popen([program("lathe-run"), "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        session = Session(Host(self))
        session.hello()
        session.open("reference", seed=self.seed)
        session.build(0, self.layers)
        session.run(0)
        return session.output()

    def sendall(self, data):
        self.runner.stdin.write(data)
        self.runner.stdin.flush()

    def fileno(self):
        return self.runner.stdout.fileno()

    def recv(self, most):
        return self.runner.stdout.read1(most)

    def __exit__(self, *_):
        self.runner.stdin.close()
        self.runner.wait()
        self.runner.stdout.close()


class Netduinoplus2(OnBoard, unittest.TestCase):
    name, core = "netduinoplus2", "Cortex-M4F"


class Mps2An385(OnBoard, unittest.TestCase):
    name, core, kernels = "mps2-an385", "Cortex-M3", "plain"


class Mps2An386(OnBoard, unittest.TestCase):
    name, core = "mps2-an386", "Cortex-M4F"


class Mps2An500(OnBoard, unittest.TestCase):
    name, core = "mps2-an500", "Cortex-M7"


class Riscv32Virt(OnBoard, unittest.TestCase):
    name, core, kernels = "riscv32-virt", "RV32IMAC", "plain"


class StartTest(unittest.TestCase):
    """Starts, and what led to them."""

    def boot(self, board):
        """@return (HELLO's, BOARD's answer, a socket that stays open)."""
        connection = board.connect()
        session = Session(Host(connection))
        return session.hello(), session.board(), connection

    def test_the_boot_id_is_another_one_after_each_power_cycle(self):
        seen = set()
        for start in range(3):
            with QemuBoard("netduinoplus2") as board:
                connection = board.connect()
                seen.add(Session(Host(connection, nonce=0x1000 + start)).hello()["boot"])
                self.assertEqual(len(seen), start + 1)
                again = Session(Host(connection, nonce=0x2000 + start)).hello()["boot"]
                self.assertIn(again, seen, "the same start, another session")
                connection.close()

    def test_a_fault_resets_the_board_which_then_tells_where_it_was(self):
        for name, cause in (("netduinoplus2", "Fault at "), ("mps2-an385", "Fault at "), ("riscv32-virt", "illegal instr at ")):
            with self.subTest(board=name), QemuBoard(name) as board:
                before, report, connection = self.boot(board)
                self.assertEqual(report["fault"], "")
                with Gdb(board) as gdb:
                    gdb.jump(0x70000000)  # where there is nothing
                host = Host(connection)
                after = Session(host).hello()
                self.assertNotEqual(after["boot"], before["boot"])
                fault = Session(host).board()["fault"]
                self.assertIn(cause, fault)
                self.assertIn("70000000", fault)
                connection.close()

    def test_a_stack_that_overflows_is_told_as_that(self):
        with QemuBoard("mps2-an386") as board:
            _, _, connection = self.boot(board)
            with Gdb(board) as gdb:
                gdb.set_stack(0x20000008)
            host = Host(connection)
            Session(host).hello()
            self.assertIn("stack overflow", Session(host).board()["fault"])
            connection.close()

    def test_a_program_that_hangs_is_ended_by_the_watchdog(self):
        with QemuBoard("mps2-an386") as board:
            _, report, connection = self.boot(board)
            with Gdb(board) as gdb:
                place = gdb.hang(0x20000000 + report["sram"] - 64)  # in RAM that nothing uses
            host = Host(connection)
            Session(host).hello()
            self.assertIn(f"watchdog at {place:08x}", Session(host).board()["fault"])
            connection.close()

    def test_an_emulator_that_counts_no_instructions_measures_nothing(self):
        with QemuBoard("netduinoplus2", options=["-icount", "shift=3"]) as board:
            session = Session(Host(board.connect()))
            session.hello()
            session.open()
            session.build(0, SMALL)
            with self.assertRaises(wire.Refused) as caught:
                session.run(0)
            self.assertEqual(caught.exception.code, wire.E_FAILED)
            self.assertIn("-icount shift=0", caught.exception.text)


class TinyTest(unittest.TestCase):
    """MLPerf Tiny's commands, on the UART that the wire protocol has, too."""

    def setUp(self):
        self.board = QemuBoard("netduinoplus2")
        self.addCleanup(self.board.close)
        self.connection = self.board.connect()
        self.addCleanup(self.connection.close)
        Session(Host(self.connection)).hello()  # it listens

    def command(self, text):
        """@return the lines before m-ready."""
        self.connection.sendall(text.encode() + b"%")
        return self.lines()

    def lines(self):
        data = b""
        while not data.endswith(b"m-ready\r\n"):
            more = self.connection.recv(4096)
            self.assertTrue(more, data)
            data += more
        return data.decode().split("\r\n")[:-2]

    def laps(self, lines):
        return [int(line.removeprefix("m-lap-us-")) for line in lines if line.startswith("m-lap-us-")]

    def test_it_says_who_it_is(self):
        self.assertEqual(self.command("name"), ["m-name-dut-[lathe netduinoplus2]"])
        self.assertEqual(self.command("profile")[1], "m-model-[lathe-48]")
        self.assertRegex(self.command("timestamp")[0], r"^m-lap-us-\d+$")
        self.assertEqual(self.command("nonsense"), ["e-[Unknown command: nonsense]"])
        self.assertGreater(len(self.command("help")), 2)

    def test_inferences_take_the_same_time_each(self):
        once = self.command("infer 1 0")
        self.assertEqual([line.split("-[")[0] for line in once if not line.startswith("m-lap")],
                         ["m-warmup-start-0", "m-warmup-done", "m-infer-start-1", "m-infer-done", "m-results"])
        begin, end = self.laps(once)
        laps = self.laps(self.command("infer 4 1"))
        self.assertAlmostEqual((laps[1] - laps[0]) / 4 / (end - begin), 1, delta=0.01)
        self.assertEqual(self.command("results"), once[-1:])
        self.assertEqual(len(once[-1].split(",")), 10)
        for wrong in ("infer 0", "infer x", "infer 1 -1"):
            self.assertRegex(self.command(wrong)[0], r"^e-\[")

    def test_an_input_that_is_loaded_is_the_one_that_runs(self):
        made = self.command("infer 1 0")[-1]
        self.assertRegex(self.command("db load 100")[0], r"^e-\[the model's input has another size\]")
        self.assertEqual(self.command("db load 6912"), ["m-[Expecting 6912 bytes]"])
        for at in range(0, 6912, 27):
            said = self.command("db " + "".join(f"{(at + i) * 37 % 256:02x}" for i in range(27)))
        self.assertEqual(said, ["m-load-done"])
        self.assertTrue(self.command("db print")[0].startswith("m-buffer-00-25-4a-6f"))
        loaded = self.command("infer 1 0")[-1]
        self.assertNotEqual(loaded, made)
        self.assertEqual(self.command("infer 2 2")[-1], loaded)

    def test_a_network_built_over_the_wire_is_what_is_inferred_and_takes_what_a_run_takes(self):
        session = Session(Host(self.connection))
        session.hello()
        session.open(seed=3)
        session.build(0, SMALL)
        run = session.run(0)
        instructions = session.fetch(run)[0][-1]
        output = struct.unpack(f"{run['output_bytes']}b", session.output())
        self.assertRegex(self.command("profile")[1], r"^m-model-\[net-[0-9a-f]{8}\]$")
        lines = self.command("infer 100 0")
        begin, end = self.laps(lines)
        self.assertAlmostEqual((end - begin) * 10 / instructions, 1, delta=0.01)
        real = [float(value) for value in lines[-1].removeprefix("m-results-[").removesuffix("]").split(",")]
        for value, q in zip(real, output, strict=True):
            self.assertAlmostEqual(value, q / 32, delta=0.0006)
        with self.assertRaises(wire.Refused) as caught:
            session.fetch(run)  # its memory was used by what came after it
        self.assertEqual(caught.exception.code, wire.E_STATE)
        self.assertEqual(session.run(0)["output_crc"], run["output_crc"])

    def test_frames_are_no_commands_and_commands_no_frames(self):
        session = Session(Host(self.connection, nonce=int.from_bytes(b"%a%b", "little")))
        self.assertEqual(session.hello()["version"], 1)
        self.assertEqual(self.command("name"), ["m-name-dut-[lathe netduinoplus2]"])
        self.assertEqual(session.board()["board"], "netduinoplus2")
        self.connection.sendall(b"\x80\x81 na")
        self.assertEqual(self.command("me%name"), ["m-name-dut-[lathe netduinoplus2]"])


if __name__ == "__main__":
    unittest.main()
