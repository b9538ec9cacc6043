"""Small graphs in ONNX and what onnxruntime makes of them; `pip install onnx onnxruntime numpy`.

    python record.py    writes *.onnx and outputs.json beside this file
"""
import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

HERE = Path(__file__).parent
rng = np.random.default_rng(0)
WIDTH = 8
STATE, TIME = TensorProto.FLOAT, TensorProto.FLOAT


def tensor(name, values):
    return numpy_helper.from_array(np.asarray(values), name)


def graph(name, batch, time, time_shape, time_type=TIME, labels=None):
    """silu(x W + g b) V, g a number for each lane: the time, or its logarithm; plus a label's row."""
    w, b, v = (rng.normal(size=s).astype(np.float32) for s in [(2, WIDTH), (1, WIDTH), (WIDTH, 2)])
    nodes = [helper.make_node("Cast", [time], ["float"], to=TensorProto.FLOAT)]
    if time == "sigma":
        nodes.append(helper.make_node("Log", ["float"], ["g"]))
    else:
        nodes.append(helper.make_node("Identity", ["float"], ["g"]))
    nodes += [
        helper.make_node("Reshape", ["g", "column"], ["gc"]),
        helper.make_node("MatMul", ["x", "W"], ["xw"]),
        helper.make_node("Mul", ["gc", "b"], ["gb"]),
        helper.make_node("Add", ["xw", "gb"], ["h0"]),
    ]
    hidden = "h0"
    initial = [tensor("W", w), tensor("b", b), tensor("V", v), tensor("column", np.array([-1, 1]))]
    inputs = [
        helper.make_tensor_value_info("x", STATE, [batch, 2]),
        helper.make_tensor_value_info(time, time_type, time_shape),
    ]
    if labels:
        initial.append(tensor("table", rng.normal(size=(labels, WIDTH)).astype(np.float32)))
        inputs.append(helper.make_tensor_value_info("class_labels", TensorProto.INT64, [batch]))
        inputs.append(helper.make_tensor_value_info("difficulty", TensorProto.FLOAT, [batch]))
        nodes += [
            helper.make_node("Gather", ["table", "class_labels"], ["row"]),
            helper.make_node("Reshape", ["difficulty", "column"], ["dc"]),
            helper.make_node("Mul", ["row", "dc"], ["rd"]),
            helper.make_node("Add", ["h0", "rd"], ["h1"]),
        ]
        hidden = "h1"
    nodes += [
        helper.make_node("Sigmoid", [hidden], ["s"]),
        helper.make_node("Mul", [hidden, "s"], ["silu"]),
        helper.make_node("MatMul", ["silu", "V"], ["out"]),
    ]
    outputs = [helper.make_tensor_value_info("out", STATE, [batch, 2])]
    model = helper.make_model(
        helper.make_graph(nodes, name, inputs, outputs, initial),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    onnx.checker.check_model(model)
    onnx.save(model, HERE / f"{name}.onnx")
    return onnxruntime.InferenceSession(model.SerializeToString())


def main():
    x = rng.normal(size=(3, 2)).astype(np.float32)
    t = np.array([0.25, 0.5, 2.0], np.float32)
    labels, difficulty = np.array([3, 0, 1]), np.array([0.5, 1.0, -1.0], np.float32)
    recorded = {"x": x.tolist(), "t": t.tolist(), "labels": labels.tolist()}
    recorded["difficulty"] = difficulty.tolist()

    def rows(session, time, value=lambda t: t, **more):
        given = lambda i: {k: v[i : i + 1] for k, v in more.items()}
        run = lambda i: session.run(None, {"x": x[i : i + 1], time: value(t[i : i + 1]), **given(i)})
        return np.concatenate([run(i)[0] for i in range(3)]).tolist()

    recorded["by_lane"] = rows(graph("by_lane", "n", "sigma", ["n"]), "sigma")
    recorded["one_time"] = rows(graph("one_time", "n", "t", []), "t", lambda t: t.reshape(()))
    whole = lambda t: np.array([int(4 * t[0])])
    recorded["timestep"] = rows(
        graph("timestep", 1, "timestep", [1], TensorProto.INT64), "timestep", whole
    )
    session = graph("told", "n", "t", ["n"], labels=4)
    recorded["told"] = rows(session, "t", class_labels=labels, difficulty=difficulty)
    (HERE / "outputs.json").write_text(json.dumps(recorded))


main()
