"""Compiled loops over feature maps for `fused_norm` and `convolution`, each reading its maps as few times as it can.

Arrays are channels last: maps (B, H, W, C), pooled maps (B, H', W', C), per-channel values (C,). `pool` is 1 or 2; with
2 a window is 2 x 2 and `places` (B, H', W', C) says which of its four pixels was largest: 0 1 above, 2 3 below. Every
loop lets go of the interpreter's lock, so that tasks on several threads run side by side.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from metastudio import paths

os.environ.setdefault("NUMBA_CACHE_DIR", str(paths.cache_folder() / "kernels"))

import numba

Kernel = TypeVar("Kernel", bound=Callable[..., None])
Array = NDArray[Any]


def _compiled(kernel: Kernel) -> Kernel:
    compile_it: Any = numba.njit(nogil=True, cache=True, fastmath={"contract"}, error_model="numpy")
    compiled: Kernel = compile_it(kernel)
    return compiled


@_compiled
def moments(maps: Array, count: int, mean: Array, variance: Array) -> None:
    """Fill mean and biased variance (C,) over the first `count` images, in float64 around the first pixel."""
    _, height, width, channels = maps.shape
    total = np.zeros(channels, np.float64)
    squares = np.zeros(channels, np.float64)
    origin = maps[0, 0, 0].copy()
    for b in range(count):
        for i in range(height):
            for j in range(width):
                pixel = maps[b, i, j]
                for c in range(channels):
                    value = np.float64(pixel[c] - origin[c])
                    total[c] += value
                    squares[c] += value * value
    number = count * height * width
    for c in range(channels):
        away = total[c] / number
        mean[c] = origin[c] + away
        variance[c] = max(squares[c] / number - away * away, 0.0)


@_compiled
def forward(maps: Array, mean: Array, scale: Array, bias: Array, slope: float, out: Array) -> None:
    """Fill out = act(scale * (maps - mean) + bias), without pooling."""
    images, height, width, channels = maps.shape
    for b in range(images):
        for i in range(height):
            for j in range(width):
                pixel, done = maps[b, i, j], out[b, i, j]
                for c in range(channels):
                    value = scale[c] * (pixel[c] - mean[c]) + bias[c]
                    done[c] = value if value > 0 else slope * value


@_compiled
def forward_pooled(
    maps: Array, mean: Array, scale: Array, bias: Array, slope: float, out: Array, largest: Array, places: Array
) -> None:
    """Fill out = act(max over windows of scale * (maps - mean) + bias), the largest map values, and their places."""
    images, height, width, channels = out.shape
    for b in range(images):
        for i in range(height):
            for j in range(width):
                above, below = maps[b, 2 * i], maps[b, 2 * i + 1]
                m0, m1, m2, m3 = above[2 * j], above[2 * j + 1], below[2 * j], below[2 * j + 1]
                done, kept, place = out[b, i, j], largest[b, i, j], places[b, i, j]
                for c in range(channels):
                    best, at, where = scale[c] * (m0[c] - mean[c]) + bias[c], m0[c], 0
                    value = scale[c] * (m1[c] - mean[c]) + bias[c]
                    at = m1[c] if value > best else at
                    where = 1 if value > best else where
                    best = value if value > best else best
                    value = scale[c] * (m2[c] - mean[c]) + bias[c]
                    at = m2[c] if value > best else at
                    where = 2 if value > best else where
                    best = value if value > best else best
                    value = scale[c] * (m3[c] - mean[c]) + bias[c]
                    at = m3[c] if value > best else at
                    where = 3 if value > best else where
                    best = value if value > best else best
                    done[c] = best if best > 0 else slope * best
                    kept[c] = at
                    place[c] = where


@_compiled
def gradient_sums(
    gradient: Array, out: Array, largest: Array, mean: Array, slope: float, total: Array, weighted: Array
) -> None:
    """Fill Σ g and Σ g (y - mean) (C,) over all images, where g is the gradient before the activation."""
    images, height, width, channels = gradient.shape
    sums = np.zeros(channels, np.float64)
    products = np.zeros(channels, np.float64)
    for b in range(images):
        for i in range(height):
            for j in range(width):
                g, z, y = gradient[b, i, j], out[b, i, j], largest[b, i, j]
                for c in range(channels):
                    value = np.float64(g[c] if z[c] > 0 else slope * g[c])
                    sums[c] += value
                    products[c] += value * (y[c] - mean[c])
    for c in range(channels):
        total[c] = sums[c]
        weighted[c] = products[c]


@_compiled
def spread(
    maps: Array,
    vectors: Array,
    count: int,
    mean: Array,
    by_gradient: Array,
    by_vector: Array,
    constant: Array,
    by_map: Array,
    gradient: Array,
    out: Array,
    slope: float,
    result: Array,
) -> None:
    """Fill result = by_gradient * g + [b < count] (by_vector * v + constant + by_map * (y - mean))."""
    images, height, width, channels = maps.shape
    for b in range(images):
        for i in range(height):
            for j in range(width):
                g, z, r = gradient[b, i, j], out[b, i, j], result[b, i, j]
                if b < count:
                    y, v = maps[b, i, j], vectors[b, i, j]
                    for c in range(channels):
                        value = g[c] if z[c] > 0 else slope * g[c]
                        dense = by_vector[c] * v[c] + constant[c] + by_map[c] * (y[c] - mean[c])
                        r[c] = by_gradient[c] * value + dense
                else:
                    for c in range(channels):
                        value = g[c] if z[c] > 0 else slope * g[c]
                        r[c] = by_gradient[c] * value


@_compiled
def spread_pooled(
    maps: Array,
    vectors: Array,
    count: int,
    mean: Array,
    by_gradient: Array,
    by_vector: Array,
    constant: Array,
    by_map: Array,
    gradient: Array,
    out: Array,
    slope: float,
    places: Array,
    result: Array,
) -> None:
    """Do as `spread`, where g sits at the largest pixel of each window and is zero elsewhere."""
    images, height, width, channels = maps.shape
    rows, columns = out.shape[1], out.shape[2]
    for b in range(images):
        for i in range(height):
            window_row = i // 2
            for j in range(width):
                window_column = j // 2
                r = result[b, i, j]
                if b < count:
                    y, v = maps[b, i, j], vectors[b, i, j]
                    for c in range(channels):
                        r[c] = by_vector[c] * v[c] + constant[c] + by_map[c] * (y[c] - mean[c])
                else:
                    for c in range(channels):
                        r[c] = 0
                if window_row < rows and window_column < columns:
                    here = 2 * (i % 2) + j % 2
                    g, z = gradient[b, window_row, window_column], out[b, window_row, window_column]
                    place = places[b, window_row, window_column]
                    for c in range(channels):
                        value = by_gradient[c] * (g[c] if z[c] > 0 else slope * g[c])
                        r[c] += value if place[c] == here else 0


@_compiled
def vector_sums(vectors: Array, maps: Array, count: int, mean: Array, total: Array, weighted: Array) -> None:
    """Fill Σ v and Σ v (y - mean) (C,) over the first `count` images."""
    _, height, width, channels = maps.shape
    sums = np.zeros(channels, np.float64)
    products = np.zeros(channels, np.float64)
    for b in range(count):
        for i in range(height):
            for j in range(width):
                v, y = vectors[b, i, j], maps[b, i, j]
                for c in range(channels):
                    value = np.float64(v[c])
                    sums[c] += value
                    products[c] += value * (y[c] - mean[c])
    for c in range(channels):
        total[c] = sums[c]
        weighted[c] = products[c]


@_compiled
def gather(
    vectors: Array,
    maps: Array,
    mean: Array,
    by_vector: Array,
    constant: Array,
    by_map: Array,
    gradient: Array,
    out: Array,
    slope: float,
    met: Array,
    result: Array,
) -> None:
    """Fill result = act' * (by_vector * v + constant + by_map * (y - mean)), and Σ v g (C,)."""
    images, height, width, channels = maps.shape
    sums = np.zeros(channels, np.float64)
    for b in range(images):
        for i in range(height):
            for j in range(width):
                v, y, g, z, r = vectors[b, i, j], maps[b, i, j], gradient[b, i, j], out[b, i, j], result[b, i, j]
                for c in range(channels):
                    bend = 1 if z[c] > 0 else slope
                    r[c] = bend * (by_vector[c] * v[c] + constant[c] + by_map[c] * (y[c] - mean[c]))
                    sums[c] += np.float64(bend * g[c] * v[c])
    for c in range(channels):
        met[c] = sums[c]


@_compiled
def gather_pooled(
    vectors: Array,
    largest: Array,
    mean: Array,
    by_vector: Array,
    constant: Array,
    by_map: Array,
    gradient: Array,
    out: Array,
    slope: float,
    places: Array,
    met: Array,
    result: Array,
) -> None:
    """Do as `gather`, with v taken at the largest pixel of each window."""
    images, height, width, channels = out.shape
    sums = np.zeros(channels, np.float64)
    for b in range(images):
        for i in range(height):
            for j in range(width):
                above, below = vectors[b, 2 * i], vectors[b, 2 * i + 1]
                v0, v1, v2, v3 = above[2 * j], above[2 * j + 1], below[2 * j], below[2 * j + 1]
                y, g, z = largest[b, i, j], gradient[b, i, j], out[b, i, j]
                place, r = places[b, i, j], result[b, i, j]
                for c in range(channels):
                    where, left, right, low_left, low_right = place[c], v0[c], v1[c], v2[c], v3[c]
                    high, low = left if where == 0 else right, low_left if where == 2 else low_right
                    v = high if where < 2 else low
                    bend = 1 if z[c] > 0 else slope
                    r[c] = bend * (by_vector[c] * v + constant[c] + by_map[c] * (y[c] - mean[c]))
                    sums[c] += np.float64(bend * g[c] * v)
    for c in range(channels):
        met[c] = sums[c]


@_compiled
def normalize(
    maps: Array,
    weight: Array,
    bias: Array,
    count: int,
    eps: float,
    slope: float,
    mean: Array,
    variance: Array,
    rstd: Array,
    out: Array,
    largest: Array,
    places: Array,
) -> None:
    """Fill the statistics of the first `count` images, and the normalised, bent maps, pooled where out is smaller."""
    moments(maps, count, mean, variance)
    scale = np.empty_like(weight)
    for c in range(len(weight)):
        rstd[c] = 1 / np.sqrt(variance[c] + eps)
        scale[c] = weight[c] * rstd[c]
    if out.shape[1] == maps.shape[1] and out.shape[2] == maps.shape[2]:
        forward(maps, mean, scale, bias, slope, out)
    else:
        forward_pooled(maps, mean, scale, bias, slope, out, largest, places)


@_compiled
def first_derivative(
    gradient: Array,
    maps: Array,
    weight: Array,
    mean: Array,
    rstd: Array,
    count: int,
    slope: float,
    out: Array,
    largest: Array,
    places: Array,
    for_maps: Array,
    for_weight: Array,
    for_bias: Array,
) -> None:
    """Fill gy, gγ = B and gβ = A of `fused_norm`."""
    is_pooled = out.shape[1] != maps.shape[1] or out.shape[2] != maps.shape[2]
    gradient_sums(gradient, out, largest if is_pooled else maps, mean, slope, for_bias, for_weight)
    channels = len(weight)
    number = count * maps.shape[1] * maps.shape[2]
    scale, constant, by_map = np.empty_like(weight), np.empty_like(weight), np.empty_like(weight)
    nothing = np.zeros_like(weight)
    for c in range(channels):
        for_weight[c] *= rstd[c]
        scale[c] = weight[c] * rstd[c]
        constant[c] = -scale[c] * for_bias[c] / number
        by_map[c] = -scale[c] * rstd[c] * for_weight[c] / number
    if is_pooled:
        spread_pooled(maps, maps, count, mean, scale, nothing, constant, by_map, gradient, out, slope, places, for_maps)
    else:
        spread(maps, maps, count, mean, scale, nothing, constant, by_map, gradient, out, slope, for_maps)


@_compiled
def second_derivative(
    vectors: Array,
    along_weight: Array,
    along_bias: Array,
    gradient: Array,
    maps: Array,
    weight: Array,
    mean: Array,
    rstd: Array,
    count: int,
    slope: float,
    out: Array,
    largest: Array,
    places: Array,
    weighted: Array,
    total: Array,
    for_gradient: Array,
    for_maps: Array,
    for_weight: Array,
) -> None:
    """Fill the cotangents of gradient, maps and γ, given those of gy (`vectors`), gγ and gβ, and B and A."""
    is_pooled = out.shape[1] != maps.shape[1] or out.shape[2] != maps.shape[2]
    number = count * maps.shape[1] * maps.shape[2]
    sums, products, met = np.empty_like(weight), np.empty_like(weight), np.empty_like(weight)
    vector_sums(vectors, maps, count, mean, sums, products)
    scale, constant, by_map = np.empty_like(weight), np.empty_like(weight), np.empty_like(weight)
    for c in range(len(weight)):
        products[c] *= rstd[c]
        scale[c] = weight[c] * rstd[c]
        constant[c] = along_bias[c] - scale[c] * sums[c] / number
        by_map[c] = (along_weight[c] - scale[c] * products[c] / number) * rstd[c]
    if is_pooled:
        gather_pooled(vectors, largest, mean, scale, constant, by_map, gradient, out, slope, places, met, for_gradient)
    else:
        gather(vectors, maps, mean, scale, constant, by_map, gradient, out, slope, met, for_gradient)
    by_gradient, by_vector = by_map, sums  # each is read for the last time where the other is written
    for c in range(len(weight)):
        inside = met[c] - (total[c] * sums[c] + weighted[c] * products[c]) / number  # P - (A Q + B R) / n
        sum_h = along_weight[c] * total[c] - scale[c] * (total[c] * products[c] + weighted[c] * sums[c]) / number
        sum_h_y = along_weight[c] * weighted[c] - 2 * scale[c] * weighted[c] * products[c] / number
        for_weight[c] = rstd[c] * inside
        by_vector[c] = -rstd[c] * scale[c] * weighted[c] / number
        constant[c] = -rstd[c] * sum_h / number
        met[c] = -rstd[c] * (rstd[c] * sum_h_y + rstd[c] * rstd[c] * weight[c] * inside) / number
    if is_pooled:
        spread_pooled(
            maps, vectors, count, mean, by_gradient, by_vector, constant, met, gradient, out, slope, places, for_maps
        )
    else:
        spread(maps, vectors, count, mean, by_gradient, by_vector, constant, met, gradient, out, slope, for_maps)


@_compiled
def unfold(maps: Array, stride: int, patches: Array) -> None:
    """Fill patches (B, H', W', 9 C) with what each output of a padded 3 x 3 convolution sees."""
    images, height, width, channels = maps.shape
    rows, columns = patches.shape[1], patches.shape[2]
    for b in range(images):
        for i in range(rows):
            for j in range(columns):
                patch = patches[b, i, j]
                for down in range(3):
                    for right in range(3):
                        y, x = i * stride + down - 1, j * stride + right - 1
                        start = (3 * down + right) * channels
                        if 0 <= y < height and 0 <= x < width:
                            pixel = maps[b, y, x]
                            for c in range(channels):
                                patch[start + c] = pixel[c]
                        else:
                            for c in range(channels):
                                patch[start + c] = 0


@_compiled
def fold(patches: Array, stride: int, maps: Array) -> None:
    """Fill maps (B, H, W, C) with the sums of patches (B, H', W', 9 C): the transpose of `unfold`."""
    images, height, width, channels = maps.shape
    rows, columns = patches.shape[1], patches.shape[2]
    for b in range(images):
        maps[b] = 0
        for i in range(rows):
            for j in range(columns):
                patch = patches[b, i, j]
                for down in range(3):
                    for right in range(3):
                        y, x = i * stride + down - 1, j * stride + right - 1
                        if 0 <= y < height and 0 <= x < width:
                            start, pixel = (3 * down + right) * channels, maps[b, y, x]
                            for c in range(channels):
                                pixel[c] += patch[start + c]
