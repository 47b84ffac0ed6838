#pragma once
#include <pybind11/pybind11.h>

#include <optional>

#include "core/tensor.h"

namespace fastdl {

// t[key] and t[key] = value. IndexError if the key is not an index or is out of range.
Tensor item_of(const Tensor& t, PyObject* key);
void set_item_of(const Tensor& t, PyObject* key, PyObject* value);
// The slice of every axis, and the shape of the result, for a key of integers, slices, None and '...':
// (starts, stops, steps, shape, whether it is the whole tensor). TypeError for other keys.
pybind11::object window_of(const pybind11::tuple& shape, const pybind11::tuple& key);
// The strides of the view that such a key selects; nothing for other keys. That of a new axis is 0.
std::optional<Shape> strides_of_window(const Shape& shape, const Shape& strides, PyObject* key);
// Whether the running line is x[i] <op>= b, which assigns the new value back to x[i].
bool goes_back_into_item();

}  // namespace fastdl
