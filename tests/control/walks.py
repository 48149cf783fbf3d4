"""A walk whose bits and losses have formulas."""

import math

START = 1000
GRID = [900, 800, 650, 500, 400, 300, 200, 150, 100, 50, 20, 0]


class FakeWalk:
    """Bits grow as the timestep falls; the coder spends `surprise` times the prediction."""

    def __init__(self, surprise=1.0, scale=20.0):
        self.surprise, self.scale = surprise, scale
        self.timesteps = [START]
        self.num_extends = 0

    @property
    def timestep(self):
        return self.timesteps[-1]

    @property
    def num_steps(self):
        return len(self.timesteps) - 1

    def bits_at(self, timestep):
        return self.scale * (START - timestep) ** 1.3

    def step_bits(self, timestep):
        return self.bits_at(timestep) - self.bits_at(self.timestep)

    def extend(self, timestep):
        assert timestep < self.timestep
        self.timesteps.append(timestep)
        self.num_extends += 1

    def rewind(self, num_steps):
        del self.timesteps[num_steps + 1 :]

    def fork(self, num_steps):
        other = FakeWalk(self.surprise, self.scale)
        other.timesteps = self.timesteps[: num_steps + 1]
        return other

    def num_bytes(self, timestep=None):
        at = self.timestep if timestep is None else timestep
        return 60 + math.floor(self.surprise * self.bits_at(at) / 8)

    @property
    def bits(self):
        return [8 * self.num_bytes(timestep) for timestep in self.timesteps]
