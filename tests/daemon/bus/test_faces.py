"""Faces on the bus: the default model sees one in the portrait."""
import json
import os
import time
import unittest

from gi.repository import GLib

from message_bus import INTERFACE, NAME, OBJECT, PROPERTIES, Bus, Client, Daemon, Streaming, still


class Faces(Streaming):
    @classmethod
    def setUpClass(cls):
        cls.bus = Bus()
        cls.daemon = Daemon(cls.bus, camera=still(), model=False)
        cls.client = Client(cls.bus)
        cls.client.until_state("streaming")

    def listen(self, client):
        """Everything that it receives, a dictionary for each signal."""
        told = []
        client.connection.signal_subscribe(NAME, PROPERTIES, "PropertiesChanged", OBJECT, INTERFACE, 0,
                                           lambda *a: told.append(a[5].unpack()[1]))
        client.get("State")  # the bus knows of the subscription now
        return told

    def until_told(self, condition):
        context = GLib.MainContext.default()
        for _ in range(1200):
            while context.iteration(False):
                pass
            if condition():
                return
            time.sleep(0.05)
        raise AssertionError("it is not told")

    def subscribed(self):
        fd = self.client.descriptor("Subscribe")
        self.addCleanup(os.close, fd)
        return os.fdopen(os.dup(fd), "r")

    def test_a_line_and_the_property(self):
        with self.subscribed() as lines:
            first = json.loads(lines.readline())
            self.assertEqual(first["version"], 2)
            for text in lines:
                line = json.loads(text)
                self.assertEqual(line["face"], bool(line["faces"]))
                if line["faces"]:
                    break
        self.client.until(lambda: self.client.get("FaceCount") == 1)
        face, = line["faces"]
        same, = self.client.get("Faces")
        self.assertIs(self.client.get("FacesPresent"), True)
        self.assertEqual((same["id"], same["since_ns"]), (face["id"], face["since_ns"]))
        self.assertGreater(face["since_ns"], 0)
        self.assertLessEqual(face["since_ns"], face["seen_ns"])
        self.assertLessEqual(face["seen_ns"], line["time_ns"])
        self.assertLessEqual(face["viewed_ns"], face["seen_ns"])
        self.assertLessEqual({"seen_ns", "viewed_ns"}, set(same))
        for key in ("box", "upright"):
            self.assertEqual(len(same[key]), 4)
            self.assertEqual(len(face[key]), 4)
        left, top, width, height = same["box"]
        self.assertTrue(0 <= left < left + width <= 1.0001 and 0 <= top < top + height <= 1.0001)
        x, y, width, height = same["upright"]
        self.assertTrue(left < x < left + same["box"][2] and top < y < top + same["box"][3] and 0 < width < 1.5 and 0 < height < 1.5)
        self.assertTrue(0 < same["confidence"] <= 1)
        self.assertGreater(same["areas"]["skin"], 0)
        self.assertNotIn("background", same["areas"])
        self.assertLessEqual(set(same), set(first["face_fields"]))

    def test_a_face_is_told_to_subscribers(self):
        """The others receive everything else."""
        clients = {"all": Client(self.bus), "subscriber": Client(self.bus)}
        told = {name: self.listen(client) for name, client in clients.items()}
        for client in clients.values():
            found = client.connection.call_sync(NAME, OBJECT, PROPERTIES, "GetAll", GLib.Variant("(s)", (INTERFACE,)), None, 0, 20000,
                                                None).unpack()[0]
            self.assertFalse({"FacesPresent", "FaceCount", "Faces"} & set(found))
        for _ in range(2):
            self.addCleanup(os.close, clients["subscriber"].descriptor("Subscribe"))
        self.client.until(lambda: self.client.get("FacesPresent"))
        self.client.call("Pause")
        gone = {"FacesPresent": False, "FaceCount": 0, "Faces": []}
        self.until_told(lambda: gone in told["subscriber"] and all(any(c.get("State") == "paused" for c in t) for t in told.values()))
        self.client.call("Resume")
        self.until_told(lambda: any(c.get("FaceCount") == 1 for c in told["subscriber"]))
        self.assertEqual(sum(c == gone for c in told["subscriber"]), 1, "once, however many subscriptions it has")
        self.assertFalse([c for c in told["all"] if {"FacesPresent", "FaceCount", "Faces"} & set(c)])
        self.client.until_state("streaming")

    def test_a_face_that_comes_back_is_another(self):
        self.client.until(lambda: self.client.get("FaceCount") == 1)
        before = self.client.get("Faces")[0]["id"]
        self.client.call("Pause")
        self.assertEqual((self.client.get("FaceCount"), self.client.get("Faces"), self.client.get("FacesPresent")), (0, [], False))
        self.client.call("Resume")
        self.client.until(lambda: self.client.get("FaceCount") == 1)
        self.assertGreater(self.client.get("Faces")[0]["id"], before)


if __name__ == "__main__":
    unittest.main()
